import { useEffect, useEffectEvent, useState } from "react";
import type { ChannelRowFragment } from "../gateway/generated/operations";
import { NO_HISTORY, remember, type ChannelHistory } from "./channelHistory";

const LOOK_MS = 1_000;

/** How the channels went since the page was opened: their API knows totals only. */
export function useChannelHistory(channels: readonly ChannelRowFragment[]): ChannelHistory {
  const [history, setHistory] = useState(NO_HISTORY);
  const look = useEffectEvent(() => setHistory((former) => remember(former, channels, Date.now())));
  useEffect(() => {
    const timer = setInterval(() => look(), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return history;
}
