const DAY_S = 86_400;
const MONTH_S = 28 * DAY_S;

/**
 * Labels of a time axis in a zone: the time of day, and the date where a new day starts; for coarser steps dates.
 *
 * @param splits the marked instants, in seconds since 1970
 * @param increment the distance between two of them, in seconds
 */
export function axisLabels(splits: readonly number[], increment: number, language: string, timeZone: string): string[] {
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  const date = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone });
  const month = new Intl.DateTimeFormat(language, { year: "numeric", month: "short", timeZone });
  if (increment >= MONTH_S) {
    return splits.map((split) => month.format(split * 1000));
  }
  if (increment >= DAY_S) {
    return splits.map((split) => date.format(split * 1000));
  }
  let day = "";
  return splits.map((split, index) => {
    const previous = day;
    day = date.format(split * 1000);
    return index > 0 && day !== previous ? day : time.format(split * 1000);
  });
}
