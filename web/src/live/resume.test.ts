import type { Sink, SubscribePayload } from "graphql-ws";
import { describe, expect, it } from "vitest";
import type { GatewayError } from "../gateway/errors";
import { TypedDocumentString } from "../gateway/generated/operations";
import { follow, type FeedHost } from "./resume";

interface Data {
  cursor: string;
}
interface Variables {
  eventId: string;
  after?: string | null;
}

/** A server whose every subscription the test answers by hand, and a clock that the test moves. */
function stage() {
  const attempts: { after: unknown; sink: Sink; payload: SubscribePayload; isOpen: boolean }[] = [];
  const timers: { milliseconds: number; callback: () => void }[] = [];
  const seen: string[] = [];
  const failures: GatewayError[] = [];
  const host: FeedHost = {
    client: {
      subscribe: (payload, sink) => {
        const attempt = { after: payload.variables?.["after"], sink: sink as Sink, payload, isOpen: true };
        attempts.push(attempt);
        return () => {
          attempt.isOpen = false;
        };
      },
    },
    schedule: (milliseconds, callback) => {
      const timer = { milliseconds, callback };
      timers.push(timer);
      return () => {
        timers.splice(timers.indexOf(timer), 1);
      };
    },
    random: () => 0.5,
  };
  const stop = follow<Data, Variables>(host, {
    document: new TypedDocumentString("subscription"),
    variables: { eventId: "evt-1" },
    cursorOf: (data) => data.cursor,
    onData: (data) => seen.push(data.cursor),
    onError: (error) => failures.push(error),
  });
  const last = () => {
    const attempt = attempts.at(-1);
    if (attempt === undefined) {
      throw new Error("nothing was subscribed");
    }
    return attempt;
  };
  const send = (cursor: string) => last().sink.next({ data: { cursor } });
  const elapse = () => timers.shift()?.callback();
  return { attempts, timers, seen, failures, stop, last, send, elapse };
}

const coded = (code: string) => [{ message: "no", extensions: { code } }];

describe("a feed", () => {
  it("starts without a cursor", () => {
    expect(stage().last().after).toBeUndefined();
  });

  it("goes on from the last update after the server ended it", () => {
    const feed = stage();
    feed.send("a");
    feed.send("b");
    feed.last().sink.complete();
    feed.elapse();
    expect(feed.last().after).toBe("b");
    expect(feed.seen).toEqual(["a", "b"]);
  });

  it("hands the newest cursor to a client that connects again by itself", () => {
    const feed = stage();
    feed.send("a");
    expect(JSON.parse(JSON.stringify(feed.last().payload.variables))).toEqual({ eventId: "evt-1", after: "a" });
  });

  it("drops a cursor that the server does not take, and only then", () => {
    const feed = stage();
    feed.send("a");
    feed.last().sink.error(coded("RESYNC_REQUIRED"));
    feed.elapse();
    expect(feed.last().after).toBeUndefined();
    feed.send("z");
    feed.last().sink.error(coded("UNAVAILABLE"));
    feed.elapse();
    expect(feed.last().after).toBe("z");
    expect(feed.failures).toEqual([]);
  });

  it("reads errors inside an answer as errors of the feed", () => {
    const feed = stage();
    feed.send("a");
    feed.last().sink.next({ data: null, errors: coded("RESYNC_REQUIRED") as never });
    expect(feed.last().isOpen).toBe(false);
    feed.elapse();
    expect(feed.last().after).toBeUndefined();
  });

  it("ends where waiting does not help", () => {
    const feed = stage();
    feed.last().sink.error(coded("FORBIDDEN"));
    expect(feed.failures.map((error) => error.code)).toEqual(["FORBIDDEN"]);
    expect(feed.timers).toEqual([]);
  });

  it("does not loop on a server that wants a resync without a cursor", () => {
    const feed = stage();
    feed.last().sink.error(coded("RESYNC_REQUIRED"));
    expect(feed.failures.map((error) => error.code)).toEqual(["RESYNC_REQUIRED"]);
  });

  it("waits longer each time, and briefly again after an update", () => {
    const feed = stage();
    const waits: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      feed.last().sink.error(coded("UNAVAILABLE"));
      waits.push(feed.timers[0]?.milliseconds ?? 0);
      feed.elapse();
    }
    expect(waits).toEqual([225, 450, 900]);
    feed.send("a");
    feed.last().sink.error(coded("UNAVAILABLE"));
    expect(feed.timers[0]?.milliseconds).toBe(225);
  });

  it("is silent once it was stopped", () => {
    const feed = stage();
    feed.stop();
    feed.send("a");
    feed.last().sink.complete();
    expect(feed.seen).toEqual([]);
    expect(feed.timers).toEqual([]);
    expect(feed.last().isOpen).toBe(false);
  });

  it("does not come back when it is stopped while it waits", () => {
    const feed = stage();
    feed.last().sink.complete();
    feed.stop();
    expect(feed.timers).toEqual([]);
    expect(feed.attempts).toHaveLength(1);
  });
});
