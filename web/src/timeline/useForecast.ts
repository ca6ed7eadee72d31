import { useQuery } from "@tanstack/react-query";
import { TimelineForecastDocument, type ForecastPointFragment } from "../gateway/generated/operations";
import { query } from "../gateway/query";

const REFRESH_MS = 60_000;

/** What is expected at an instant (milliseconds since 1970): participants in all. */
export interface Expectation {
  readonly at: number;
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/** The expectations of the next `horizonMs`, in four steps; empty where there is too little history. Null until they are known,
 * and where they are not wanted. */
export function useForecast(eventId: string, horizonMs: number, isWanted: boolean): readonly Expectation[] | null {
  const { data } = useQuery({
    queryKey: ["forecast", eventId, horizonMs],
    queryFn: async ({ signal }): Promise<Expectation[]> => {
      const now = Date.now();
      const at = (step: number): number => now + (horizonMs * step) / 4;
      const until = (step: number): string => new Date(at(step)).toISOString();
      const { event } = await query(
        TimelineForecastDocument,
        { eventId, first: until(1), second: until(2), third: until(3), fourth: until(4) },
        signal,
      );
      const points: (ForecastPointFragment | null | undefined)[] = [event?.first, event?.second, event?.third, event?.fourth];
      return points.flatMap((point, index) => (point === null || point === undefined ? [] : [toExpectation(at(index + 1), point)]));
    },
    enabled: isWanted,
    refetchInterval: REFRESH_MS,
  });
  return isWanted ? (data ?? null) : null;
}

function toExpectation(at: number, point: ForecastPointFragment): Expectation {
  return { at, low: Number(point.low), expected: Number(point.participants), high: Number(point.high) };
}
