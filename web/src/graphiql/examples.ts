import type { TabsState } from "@graphiql/react";

/** Values for the examples' variables, from what is really there. */
export interface Subject {
  readonly eventId: string;
  readonly userId: string;
  readonly timeZone: string;
  /** An instant to look ahead to. */
  readonly until: string;
}

type Tab = Pick<TabsState["tabs"][number], "headers" | "query" | "variables">;

const SOURCES = import.meta.glob<string>("./examples/*.graphql", { query: "?raw", import: "default", eager: true });

/** One tab per file, in the order of their names, each with the variables that it declares. */
export function exampleTabs(subject: Subject, headers: string): Tab[] {
  return Object.keys(SOURCES)
    .toSorted()
    .map((name) => {
      const query = SOURCES[name] ?? "";
      const used = Object.entries(subject).filter(([variable]) => query.includes(`$${variable}:`));
      return { query, headers, variables: used.length === 0 ? null : JSON.stringify(Object.fromEntries(used), null, 2) };
    });
}
