import uPlot from "uplot";
import { axisLabels } from "./axisLabels";
import { isLevel, type Metric } from "./metric";
import { stripes, type Palette } from "./palette";

/** Counts are whole: no mark between 0 and 1. */
const WHOLE_STEPS = [1, 2, 5].flatMap((digit) => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((power) => digit * 10 ** power)).toSorted((a, b) => a - b);
const MIN_TOP = 4;
const HEADROOM = 1.08;
/** So much of what is known may be given to a band that reaches far above it. */
const MOST_BAND = 2;
/** Room for half of the last label. */
const RIGHT = 32;

/** Room beside the labels of the y axis, and for a letter of them. */
const LABEL_GAP = 16;
const LETTER = 7.5;

/** Everything about a chart that is not its data or size. */
export interface ChartLook {
  readonly metric: Metric;
  readonly language: string;
  readonly timeZone: string;
  readonly palette: Palette;
  readonly formatAxis: (value: number) => string;
  /** Where the x axis begins and ends, in seconds. */
  readonly extent: () => readonly [number, number];
  readonly onCursor: (index: number | null) => void;
}

export function chartOptions(look: ChartLook, width: number, height: number): uPlot.Options {
  const { palette } = look;
  const axis = {
    stroke: palette.ink,
    font: palette.font,
    ticks: { show: false },
    border: { show: false },
  };
  return {
    width,
    height,
    padding: [12, RIGHT, 0, 0],
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), look.timeZone),
    cursor: { y: false, drag: { x: false, y: false }, points: { show: isLevel(look.metric), size: 9 } },
    scales: {
      x: { time: true, range: () => [...look.extent()] },
      y: { range: (plot, _low, high) => [0, topOf(high ?? 0, plot.data[LEVEL_HIGH] ?? [])] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 80,
        size: 28,
        values: (_plot, splits, _axis, _space, increment) => axisLabels(splits, increment, look.language, look.timeZone),
      },
      {
        ...axis,
        grid: { stroke: palette.line, width: 1 },
        size: (_plot, labels) => LABEL_GAP + LETTER * Math.max(0, ...(labels ?? []).map((label) => label.length)),
        space: 52,
        incrs: WHOLE_STEPS,
        values: (_plot, splits) => splits.map(look.formatAxis),
      },
    ],
    series: [{}, ...(isLevel(look.metric) ? levelSeries(palette) : countSeries(palette))],
    bands: isLevel(look.metric) ? [{ series: [LEVEL_HIGH, LEVEL_LOW], fill: palette.forecastSoft }] : [],
    hooks: {
      setCursor: [(plot) => look.onCursor(plot.cursor.idx ?? null)],
    },
  };
}

/**
 * Where the y axis ends: above all lines, and above the band unless that would press the lines to the floor.
 *
 * @param lines the largest value of a line
 * @param band the upper edge of the band
 */
export function topOf(lines: number, band: Iterable<number | null | undefined>): number {
  let highest = 0;
  for (const value of band) {
    highest = Math.max(highest, value ?? 0);
  }
  return Math.max(MIN_TOP, Math.max(lines, Math.min(highest, lines * MOST_BAND)) * HEADROOM);
}

const LEVEL_LOW = 3;
const LEVEL_HIGH = 5;

/** In the order of the columns (see `toColumns`). */
function countSeries(palette: Palette): uPlot.Series[] {
  const bars = uPlot.paths.bars;
  const paths = bars === undefined ? {} : { paths: bars({ align: 1, size: [0.82, 60, 1], radius: [0.18, 0] }) };
  const { stepped } = uPlot.paths;
  const steps = stepped === undefined ? {} : { paths: stepped({ align: 1 }) };
  return [
    { ...paths, fill: palette.accent, width: 0, points: { show: false } },
    { ...paths, fill: () => stripes(palette.accent) as string, stroke: palette.accent, width: 1.25, points: { show: false } },
    // Without an outline the line is lost on the bars.
    { ...steps, stroke: palette.surface, width: 4, points: { show: false } },
    { ...steps, stroke: palette.compare, width: 1.75, dash: [5, 4], points: { show: false } },
  ];
}

function levelSeries(palette: Palette): uPlot.Series[] {
  const edge: uPlot.Series = { stroke: palette.forecast, width: 0, points: { show: false }, auto: false };
  return [
    { stroke: palette.accent, fill: palette.accentSoft, width: 2.25, points: { show: false } },
    { stroke: palette.accent, width: 2.25, dash: [4, 4], points: { show: false } },
    edge,
    { stroke: palette.forecast, width: 2, dash: [2, 4], points: { show: false } },
    edge,
  ];
}
