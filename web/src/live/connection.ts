import { useSyncExternalStore } from "react";

/** `idle`: nothing on the page is live. */
export type ConnectionState = "connected" | "connecting" | "idle" | "reconnecting";

let state: ConnectionState = "idle";
const listeners = new Set<() => void>();

export function setConnectionState(next: ConnectionState): void {
  if (next !== state) {
    state = next;
    for (const listener of listeners) {
      listener();
    }
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The state of the page's one WebSocket. */
export function useConnectionState(): ConnectionState {
  return useSyncExternalStore(subscribe, () => state);
}
