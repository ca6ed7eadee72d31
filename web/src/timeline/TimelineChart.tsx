import { useEffect, useEffectEvent, useId, useRef, useState, type KeyboardEvent } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Granularity } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { chartOptions } from "./chartOptions";
import { toColumns } from "./columns";
import { isLevel, valueOf, type Metric } from "./metric";
import { readPalette } from "./palette";
import type { Bucket } from "./series";

const HEIGHT = 320;
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };

interface Props {
  buckets: readonly Bucket[];
  metric: Metric;
  granularity: Granularity;
  timeZone: string;
  now: number;
}

/**
 * The drawn series. For a keyboard and a screen reader it is a slider along the buckets, whose text is the bucket's
 * time and value. Its colours are those of the moment it appears: give it another key for another theme.
 */
export function TimelineChart({ buckets, metric, granularity, timeZone, now }: Props) {
  const { t, f, language } = useLocale();
  const keys = useId();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const data = toColumns(buckets, metric, now);
  const current = useEffectEvent(() => data);
  const extent = useEffectEvent((): readonly [number, number] => [
    (buckets[0]?.start ?? now) / 1000,
    (isLevel(metric) ? Math.min(now, buckets.at(-1)?.end ?? now) : (buckets.at(-1)?.end ?? now)) / 1000,
  ]);

  useEffect(() => {
    const element = box.current;
    if (element === null) {
      return;
    }
    const look = {
      metric,
      language,
      timeZone,
      palette: readPalette(element),
      formatAxis: f.compact,
      extent: () => extent(),
      onCursor: setPointed,
    };
    const made = new uPlot(chartOptions(look, element.clientWidth, HEIGHT), current(), element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [metric, language, timeZone, f]);

  useEffect(() => {
    plot.current?.setData(data);
  });

  const point = (index: number): void => {
    const x = data[0][index];
    if (x !== undefined && plot.current !== null) {
      plot.current.setCursor({ left: plot.current.valToPos(x, "x"), top: 0 });
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const last = buckets.length - 1;
    const from = pointed ?? last;
    const step = STEPS[event.key];
    const target = event.key === "Home" ? 0 : event.key === "End" ? last : step === undefined ? null : from + step;
    if (target !== null) {
      event.preventDefault();
      point(Math.min(last, Math.max(0, target)));
    }
  };

  const index = Math.min(pointed ?? buckets.length - 1, buckets.length - 1);
  const shown = buckets[index];
  const text =
    shown === undefined
      ? ""
      : `${f.bucket(shown.start, granularity, timeZone)}: ${f.count(valueOf(shown, metric))}${shown.end > now ? ` (${t.timeline.running})` : ""}`;
  return (
    <div className="chart">
      <p className="chart-readout number" aria-hidden="true">
        {text}
      </p>
      <div
        ref={box}
        className="chart-box"
        role="slider"
        tabIndex={0}
        aria-label={`${t.timeline.title}, ${t.timeline.metrics[metric]}`}
        aria-describedby={keys}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, buckets.length - 1)}
        aria-valuenow={index}
        aria-valuetext={text}
        onKeyDown={onKeyDown}
      />
      <p id={keys} hidden>
        {t.timeline.keys}
      </p>
    </div>
  );
}
