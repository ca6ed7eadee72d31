import { useState } from "react";
import type { ChannelGrouping, EventFilter, RankingRowFragment } from "../gateway/generated/operations";
import { NO_VALUE, type Formats } from "../i18n/formats";
import { useLocale } from "../i18n/locale";
import { Bar } from "../ui/Bar";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Segments } from "../ui/Segments";
import { Select } from "../ui/Select";
import { Skeleton } from "../ui/Skeleton";
import { useIsWide } from "../ui/useIsWide";
import { RANKING_METRICS, useRanking, type RankingMetric } from "./useRanking";

const GROUPINGS: readonly ChannelGrouping[] = ["CHANNEL_NAME", "CHANNEL_TYPE"];

/** Which channels do best over the events that the filter selects. */
export function RankingPanel({ filter }: { filter: EventFilter }) {
  const { t } = useLocale();
  const [by, setBy] = useState<RankingMetric>("PARTICIPANTS");
  const [groupBy, setGroupBy] = useState<ChannelGrouping>("CHANNEL_NAME");
  const isWide = useIsWide();
  const ranking = useRanking(filter, by, groupBy);
  return (
    // On a narrow screen the events come first, and the ranking is a tap away.
    <details className="card ranking" open={isWide}>
      <summary>
        <h2>{t.ranking.title}</h2>
      </summary>
      <div className="ranking-controls">
        <Segments
          label={t.ranking.groupBy}
          value={groupBy}
          options={GROUPINGS.map((value) => ({ value, label: t.ranking.groupings[value] }))}
          onChange={setGroupBy}
        />
        <Select
          label={t.ranking.by}
          value={by}
          options={RANKING_METRICS.map((value) => ({ value, label: t.ranking.metrics[value] }))}
          onChange={setBy}
        />
      </div>
      {ranking.data === undefined ? (
        ranking.isError ? (
          <ErrorNotice error={ranking.error} onRetry={() => void ranking.refetch()} />
        ) : (
          <Skeleton height="16rem" />
        )
      ) : (
        <Rows by={by} rows={ranking.data.channelRanking.rows} others={ranking.data.channelRanking.others} />
      )}
    </details>
  );
}

function Rows({ by, rows, others }: { by: RankingMetric; rows: readonly RankingRowFragment[]; others: RankingRowFragment | null }) {
  const { t, f } = useLocale();
  if (rows.length === 0) {
    return <p className="note">{t.ranking.empty}</p>;
  }
  const largest = Math.max(Number.MIN_VALUE, ...rows.map((row) => Number(row.value ?? 0)));
  return (
    <ol className="ranks">
      {rows.map((row) => (
        <li key={row.key} data-type={row.channelType ?? undefined}>
          <p>
            <span>{row.key === row.channelType ? t.channelType[row.channelType] : row.key}</span>
            {row.channelType === null || row.key === row.channelType ? null : (
              <span className="channel-type" data-type={row.channelType}>
                {t.channelType[row.channelType]}
              </span>
            )}
            <b className="number">{write(f, by, row.value)}</b>
          </p>
          <Bar part={Number(row.value ?? 0) / largest} />
        </li>
      ))}
      {others === null ? null : (
        <li className="note">
          <p>
            <span>{t.ranking.others}</span>
            <b className="number">{write(f, by, others.value)}</b>
          </p>
        </li>
      )}
    </ol>
  );
}

function write(f: Formats, by: RankingMetric, value: string | null): string {
  switch (by) {
    case "CLICK_THROUGH_RATE":
    case "CONVERSION_RATE":
      return f.percent(value);
    case "COST_PER_PARTICIPANT":
      return f.won(value);
    case "CONVERSIONS":
    case "PARTICIPANTS":
    case "VIEWS":
      return value === null ? NO_VALUE : f.count(Number(value));
  }
}
