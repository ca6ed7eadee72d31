import type { EventOrder } from "../gateway/generated/operations";

export const SORTS = ["newest", "participants", "views", "roi", "title"] as const;
export type Sort = (typeof SORTS)[number];

export const ORDER: Record<Sort, EventOrder> = {
  newest: { field: "CREATED_AT", direction: "DESC" },
  participants: { field: "PARTICIPANTS", direction: "DESC" },
  views: { field: "VIEWS", direction: "DESC" },
  roi: { field: "ROI", direction: "DESC" },
  title: { field: "TITLE", direction: "ASC" },
};
