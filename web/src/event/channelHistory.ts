import type { ChannelRowFragment } from "../gateway/generated/operations";

const STEP_MS = 5_000;
const MAX_SAMPLES = 60;

/** What a page has seen of its channels: participants per channel id, one sample a step, the newest last. */
export interface ChannelHistory {
  /** When the newest sample began, in milliseconds since 1970. */
  readonly at: number;
  readonly samples: ReadonlyMap<string, readonly number[]>;
}

export const NO_HISTORY: ChannelHistory = { at: 0, samples: new Map() };

/**
 * The history after a look at `now`: within a step the newest sample is replaced, after it another begins, and the
 * oldest goes where there are enough. A channel that has gone is forgotten.
 */
export function remember(history: ChannelHistory, channels: readonly ChannelRowFragment[], now: number): ChannelHistory {
  const begins = now - history.at >= STEP_MS;
  const samples = new Map(
    channels.map(({ id, participants }) => {
      const former = history.samples.get(id) ?? [];
      return [id, [...(begins ? former : former.slice(0, -1)), participants].slice(-MAX_SAMPLES)];
    }),
  );
  return { at: begins ? now : history.at, samples };
}

/** What came since the first sample. */
export function growth(samples: readonly number[]): number[] {
  return samples.map((sample) => sample - (samples[0] ?? 0));
}
