import { useEffect, useEffectEvent, useState } from "react";
import type { GatewayError } from "../gateway/errors";
import { follow, type Feed, type FeedHost } from "./resume";
import { socket } from "./socket";

const browser: FeedHost = {
  client: socket,
  schedule: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

/**
 * Follows a feed while the component is mounted and `enabled`. A change of the variables starts another feed,
 * which begins with a snapshot.
 *
 * @returns the error that ended the feed, or null while it runs
 */
export function useFeed<Data, Variables>(
  feed: Omit<Feed<Data, Variables>, "onError">,
  enabled = true,
): GatewayError | null {
  const [failure, setFailure] = useState<{ key: string; error: GatewayError } | null>(null);
  const onData = useEffectEvent(feed.onData);
  const cursorOf = useEffectEvent(feed.cursorOf);
  const { document } = feed;
  const key = JSON.stringify(feed.variables);

  useEffect(() => {
    if (!enabled) {
      return;
    }
    return follow<Data, Variables>(browser, {
      document,
      variables: JSON.parse(key) as Omit<Variables, "after">,
      cursorOf: (data) => cursorOf(data),
      onData: (data) => onData(data),
      onError: (error) => setFailure({ key, error }),
    });
  }, [document, key, enabled]);

  return failure?.key === key ? failure.error : null;
}
