import { createClient, type Client } from "graphql-ws";
import { isRefusal } from "../gateway/errors";
import { refuse } from "../gateway/session";
import { authorization } from "../gateway/token";
import { backoffMs, waitForRetry } from "./backoff";
import { connection } from "./connection";

const PING_EVERY_MS = 10_000;
/** A pong later than this means that the connection is dead although nobody closed it. */
const PONG_WITHIN_MS = 5_000;
/** Going from one page to the next must not cost a handshake. */
const LINGER_MS = 3_000;
/** Not one of the protocol's fatal codes, so the client connects again. */
const CLOSE_SILENT = 4499;

function address(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`;
}

function connect(): Client {
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  let socket: WebSocket | undefined;
  return createClient({
    url: address,
    connectionParams: authorization,
    lazyCloseTimeout: LINGER_MS,
    keepAlive: PING_EVERY_MS,
    retryAttempts: Number.POSITIVE_INFINITY,
    // Whatever else it was may pass; without another token the answer stays the same.
    shouldRetry: (cause) => !isRefusal(cause),
    retryWait: (retries) => waitForRetry(backoffMs(retries, Math.random())),
    on: {
      connecting: (isRetry) => connection.set(isRetry ? "reconnecting" : "connecting"),
      opened: (opened) => {
        socket = opened as WebSocket;
      },
      connected: () => connection.set("connected"),
      ping: (received) => {
        if (!received) {
          clearTimeout(pongTimer);
          pongTimer = setTimeout(() => socket?.close(CLOSE_SILENT, "no pong"), PONG_WITHIN_MS);
        }
      },
      pong: () => clearTimeout(pongTimer),
      closed: (event) => {
        clearTimeout(pongTimer);
        if (isRefusal(event)) {
          refuse();
        }
        connection.set((event as CloseEvent).code === 1000 || isRefusal(event) ? "idle" : "reconnecting");
      },
    },
  });
}

/** The page's one WebSocket: opened by the first subscription, closed after the last. */
export const socket: Client = connect();
