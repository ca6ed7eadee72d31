/** A small bar chart's bars, as SVG paths: those that are finished, and the last one where it still grows. */
export interface SparkBars {
  readonly finished: string;
  readonly running: string;
}

const GAP = 0.28;

/** Bars in a box of `width` by `height`, standing on its floor, the largest up to its top. A zero has none. */
export function sparkBars(values: readonly number[], isLastRunning: boolean, width: number, height: number): SparkBars {
  const top = Math.max(1, ...values);
  const step = width / Math.max(1, values.length);
  const bars = values.map((value, index) => {
    const tall = (value / top) * height;
    return value > 0 ? `M${(index * step).toFixed(1)},${height}v${(-tall).toFixed(1)}h${(step * (1 - GAP)).toFixed(1)}v${tall.toFixed(1)}z` : "";
  });
  const finished = isLastRunning ? bars.slice(0, -1) : bars;
  return { finished: finished.join(""), running: isLastRunning ? (bars.at(-1) ?? "") : "" };
}
