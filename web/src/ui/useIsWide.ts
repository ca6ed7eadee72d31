import { useSyncExternalStore } from "react";

/** As in the style sheets: from here on there is room for a column at the side. */
const wide = matchMedia("(min-width: 72rem)");

function subscribe(listener: () => void): () => void {
  wide.addEventListener("change", listener);
  return () => wide.removeEventListener("change", listener);
}

export function useIsWide(): boolean {
  return useSyncExternalStore(subscribe, () => wide.matches);
}
