import type { Client } from "graphql-ws";
import { GatewayError, toGatewayError } from "../gateway/errors";
import type { TypedDocumentString } from "../gateway/generated/operations";
import { backoffMs } from "./backoff";

/** A live feed that goes on from its cursor after any interruption. */
export interface Feed<Data, Variables> {
  document: TypedDocumentString<Data, Variables>;
  /** Without `after`: that one is the feed's own. */
  variables: Omit<Variables, "after">;
  cursorOf: (data: Data) => string;
  onData: (data: Data) => void;
  /** The feed ended for a reason that waiting does not mend. */
  onError: (error: GatewayError) => void;
}

/** What the feed needs from outside; tests hand in their own. */
export interface FeedHost {
  client: Pick<Client, "subscribe">;
  /** Calls back after a delay; the answer cancels it. */
  schedule: (milliseconds: number, callback: () => void) => () => void;
  /** A number in [0, 1). */
  random: () => number;
}

const NOTHING = (): void => {};

/**
 * Follows a subscription until the answer is called.
 *
 * Invariant: the cursor sent is always that of the last update which `onData` has seen, so nothing is skipped and
 * nothing is shown twice. It is dropped only on RESYNC_REQUIRED; the server then starts over with a snapshot.
 */
export function follow<Data, Variables>(host: FeedHost, feed: Feed<Data, Variables>): () => void {
  // One object for all attempts: the client serialises it anew each time that it connects, with the cursor of then.
  const variables: Record<string, unknown> = { ...feed.variables };
  let failures = 0;
  let stopped = false;
  let unsubscribe = NOTHING;
  let cancelTimer = NOTHING;

  const again = (): void => {
    cancelTimer = host.schedule(backoffMs(failures, host.random()), start);
    failures += 1;
  };
  const fail = (cause: unknown): void => {
    if (stopped) {
      return;
    }
    const error = toGatewayError(cause);
    if (error.code === "RESYNC_REQUIRED" && "after" in variables) {
      delete variables["after"];
      again();
    } else if (error.isTransient) {
      again();
    } else {
      feed.onError(error);
    }
  };

  function start(): void {
    let ended = false;
    const attempt = { unsubscribe: NOTHING };
    const end = (cause: unknown): void => {
      if (!ended) {
        ended = true;
        attempt.unsubscribe();
        fail(cause);
      }
    };
    attempt.unsubscribe = host.client.subscribe<Data>(
      { query: feed.document.toString(), variables },
      {
        next: (answer) => {
          if (stopped || ended) {
            return;
          }
          if (answer.errors !== undefined && answer.errors.length > 0) {
            end(answer.errors);
          } else if (answer.data !== undefined && answer.data !== null) {
            failures = 0;
            variables["after"] = feed.cursorOf(answer.data);
            feed.onData(answer.data);
          }
        },
        error: end,
        // The server ends a feed only when it drains; the next one takes it up from the cursor.
        complete: () => end(new GatewayError("UNAVAILABLE", "the server ended the feed")),
      },
    );
    unsubscribe = attempt.unsubscribe;
  }

  start();
  return () => {
    stopped = true;
    cancelTimer();
    unsubscribe();
  };
}
