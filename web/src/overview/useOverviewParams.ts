import { useSearchParams } from "wouter";
import type { EventStatus } from "../gateway/generated/operations";
import { SORTS, type Sort } from "./sorting";

export const STATUSES: readonly EventStatus[] = ["ACTIVE", "ENDED", "ARCHIVED"];

/** What the overview shows. It lives in the address, so that a view can be kept and shared. */
export interface OverviewParams {
  readonly search: string;
  readonly status: EventStatus | null;
  readonly sort: Sort;
}

export function useOverviewParams(): [OverviewParams, (change: Partial<OverviewParams>) => void] {
  const [params, setParams] = useSearchParams();
  const current: OverviewParams = {
    search: params.get("q") ?? "",
    status: STATUSES.find((status) => status === params.get("status")) ?? null,
    sort: SORTS.find((sort) => sort === params.get("sort")) ?? "newest",
  };
  const change = (changed: Partial<OverviewParams>): void => {
    const next = { ...current, ...changed };
    const kept = new URLSearchParams();
    if (next.search !== "") {
      kept.set("q", next.search);
    }
    if (next.status !== null) {
      kept.set("status", next.status);
    }
    if (next.sort !== "newest") {
      kept.set("sort", next.sort);
    }
    setParams(kept, { replace: true });
  };
  return [current, change];
}
