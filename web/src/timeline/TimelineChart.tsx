import { useEffect, useEffectEvent, useId, useRef, useState, type KeyboardEvent } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Granularity } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { ChartLegend } from "./ChartLegend";
import { chartOptions } from "./chartOptions";
import { toColumns, type Drawing } from "./columns";
import { isLevel, valueOf } from "./metric";
import { readPalette } from "./palette";

/** Flat enough to see a course, high enough to read a value. */
const heightFor = (width: number): number => Math.round(Math.min(400, Math.max(260, width * 0.3)));
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };

interface Props {
  drawing: Drawing;
  granularity: Granularity;
  timeZone: string;
}

/**
 * The drawn series. For a keyboard and a screen reader it is a slider along the buckets, whose text is the bucket's
 * time and value. Its colours are those of the moment it appears: give it another key for another theme.
 */
export function TimelineChart({ drawing, granularity, timeZone }: Props) {
  const { t, f, language } = useLocale();
  const keys = useId();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const { buckets, metric, compared, now } = drawing;
  const data = toColumns(drawing);
  const current = useEffectEvent(() => data);
  const extent = useEffectEvent(() => extentOf(drawing));

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
    const made = new uPlot(chartOptions(look, element.clientWidth, heightFor(element.clientWidth)), current(), element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightFor(element.clientWidth) }));
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

  const last = buckets.length - 1;
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    const from = pointed ?? last;
    const target = event.key === "Home" ? 0 : event.key === "End" ? last : step === undefined ? null : from + step;
    if (target === null) {
      return;
    }
    event.preventDefault();
    const index = Math.min(last, Math.max(0, target));
    const x = data[0][index];
    if (x !== undefined) {
      plot.current?.setCursor({ left: plot.current.valToPos(x, "x"), top: 0 });
    }
  };

  const index = Math.min(pointed ?? last, last);
  const shown = buckets[index];
  const beside = shown === undefined || isLevel(metric) ? undefined : compared.get(shown.start)?.[metric];
  const text =
    shown === undefined
      ? ""
      : [
          `${f.bucket(shown.start, granularity, timeZone)}: ${f.count(valueOf(shown, metric))}`,
          beside === undefined ? "" : ` (${t.timeline.before(f.count(beside))})`,
          shown.end > now ? ` · ${t.timeline.running}` : "",
        ].join("");
  return (
    <div className="chart">
      <div className="chart-top">
        <p className="chart-readout number" aria-hidden="true">
          {text}
        </p>
        <ChartLegend metric={metric} hasCompared={compared.size > 0} hasForecast={drawing.forecast.length > 0} />
      </div>
      <div
        ref={box}
        className="chart-box"
        role="slider"
        tabIndex={0}
        aria-label={`${t.timeline.title}, ${t.timeline.metrics[metric]}`}
        aria-describedby={keys}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={Math.max(0, index)}
        aria-valuetext={text}
        onKeyDown={onKeyDown}
      />
      <p id={keys} hidden>
        {t.timeline.keys}
      </p>
    </div>
  );
}

/** Where the x axis begins and ends, in seconds. */
function extentOf({ buckets, metric, forecast, now }: Drawing): readonly [number, number] {
  const start = buckets[0]?.start ?? now;
  const end = buckets.at(-1)?.end ?? now;
  const right = isLevel(metric) ? (forecast.at(-1)?.at ?? Math.min(end, now)) : end;
  return [start / 1000, right / 1000];
}
