import type { Granularity } from "../gateway/generated/operations";

/** What stands where there is no value, e.g. a rate whose denominator is zero. */
export const NO_VALUE = "–";

/** Formats of one language. Decimals come as the gateway sends them: exact, as text. */
export interface Formats {
  count: (value: number) => string;
  /** Few characters, e.g. 12.3K or 1.2만, from 10,000 on: for axes and tiles. */
  compact: (value: number) => string;
  /** Won, whole. */
  won: (value: string | null) => string;
  /** A percentage as the gateway sends it: "12.50" is 12.5 %. */
  percent: (value: string | null) => string;
  /** As `percent`, with the first two digits that say something: 0.036 %. */
  smallPercent: (value: string | null) => string;
  /** As `percent`, always with a sign. */
  change: (value: string | null) => string;
  instant: (epochMs: number) => string;
  day: (epochMs: number) => string;
  /** How long ago it was at `now`, e.g. 3 minutes ago; both in milliseconds since 1970. */
  ago: (epochMs: number, now: number) => string;
  /** A bucket by its start, as exact as its granularity. */
  bucket: (epochMs: number, granularity: Granularity, timeZone: string) => string;
}

const BUCKET_PARTS: Record<Granularity, Intl.DateTimeFormatOptions> = {
  MINUTE: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  HOUR: { month: "short", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  DAY: { year: "numeric", month: "short", day: "numeric", weekday: "short" },
  WEEK: { year: "numeric", month: "short", day: "numeric" },
  MONTH: { year: "numeric", month: "long" },
};

/** Units of ages, the largest first, with their length in seconds. */
const SECOND = ["second", 1] as const;
const AGES = [["day", 86_400], ["hour", 3600], ["minute", 60], SECOND] as const;

const COMPACT_FROM = 10_000;
/** One decimal always, so that columns of them line up. */
const PERCENT: Intl.NumberFormatOptions = { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 };

export function createFormats(language: string): Formats {
  const count = new Intl.NumberFormat(language);
  const compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const won = new Intl.NumberFormat(language, { style: "currency", currency: "KRW", maximumFractionDigits: 0 });
  const instant = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const percent = new Intl.NumberFormat(language, PERCENT);
  const smallPercent = new Intl.NumberFormat(language, { style: "percent", maximumSignificantDigits: 2 });
  const change = new Intl.NumberFormat(language, { ...PERCENT, signDisplay: "exceptZero" });

  return {
    count: (value) => count.format(value),
    compact: (value) => (Math.abs(value) < COMPACT_FROM ? count : compact).format(value),
    won: (value) => (value === null ? NO_VALUE : won.format(Number(value))),
    percent: (value) => (value === null ? NO_VALUE : percent.format(Number(value) / 100)),
    smallPercent: (value) => (value === null ? NO_VALUE : smallPercent.format(Number(value) / 100)),
    change: (value) => (value === null ? NO_VALUE : change.format(Number(value) / 100)),
    instant: (epochMs) => instant.format(epochMs),
    day: (epochMs) => day.format(epochMs),
    ago: (epochMs, now) => {
      const seconds = Math.max(0, (now - epochMs) / 1000);
      const [unit, length] = AGES.find(([, size]) => seconds >= size) ?? SECOND;
      // The first ten seconds are now: a number that counts them would draw the eye for nothing.
      return relative.format(unit === "second" ? -Math.floor(seconds / 10) * 10 : -Math.floor(seconds / length), unit);
    },
    bucket: (epochMs, granularity, timeZone) =>
      new Intl.DateTimeFormat(language, { ...BUCKET_PARTS[granularity], timeZone }).format(epochMs),
  };
}
