import { createStore } from "../store";

/** `idle`: nothing on the page is live. */
export type ConnectionState = "connected" | "connecting" | "idle" | "reconnecting";

/** The state of the page's one WebSocket. */
export const connection = createStore<ConnectionState>("idle");
