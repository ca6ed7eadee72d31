import { useState } from "react";
import type { ChannelRowFragment, EventFreshnessFragment, FreshnessFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { Bar } from "../ui/Bar";
import { Notice } from "../ui/Notice";
import { ScrollBox } from "../ui/ScrollBox";
import { Sparkline } from "../ui/Sparkline";
import { growth } from "./channelHistory";
import { CHANNEL_COLUMNS, nextSort, sortChannels, type ChannelColumn, type ChannelSort } from "./channelSort";
import { FreshnessNote } from "./FreshnessNote";
import { useChannelHistory } from "./useChannelHistory";

/** The event's channels, side by side. */
export function ChannelPanel({ channels, freshness }: { channels: readonly ChannelRowFragment[]; freshness: EventFreshnessFragment | null }) {
  const { t, language } = useLocale();
  const history = useChannelHistory(channels);
  const [sort, setSort] = useState<ChannelSort>({ column: "participants", descending: true });
  if (channels.length === 0) {
    return (
      <section className="card" aria-labelledby="channels-title">
        <h2 id="channels-title">{t.channels.title}</h2>
        <Notice title={t.channels.emptyTitle} hint={t.channels.emptyHint} />
      </section>
    );
  }
  const current = new Map(freshness?.channels.map((channel) => [channel.id, channel.freshness]));
  const most = Math.max(1, ...channels.map((channel) => channel.participants));
  return (
    <section className="card channels" aria-labelledby="channels-title">
      <header>
        <h2 id="channels-title">{t.channels.title}</h2>
      </header>
      <ScrollBox label={t.channels.tableLabel} isTall={false}>
        <table>
          <thead>
            <tr>
              {CHANNEL_COLUMNS.map((column) => (
                <ColumnHead key={column} column={column} sort={sort} onSort={() => setSort(nextSort(sort, column))} />
              ))}
            </tr>
          </thead>
          <tbody>
            {sortChannels(channels, sort, language).map((channel) => (
              <ChannelRow
                key={channel.id}
                channel={channel}
                most={most}
                seen={history.samples.get(channel.id) ?? NOTHING_SEEN}
                freshness={current.get(channel.id) ?? null}
              />
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}

const NOTHING_SEEN: readonly number[] = [];

function ColumnHead({ column, sort, onSort }: { column: ChannelColumn; sort: ChannelSort; onSort: () => void }) {
  const { t } = useLocale();
  const heads: Record<ChannelColumn, string> = {
    channelName: t.channels.name,
    participants: t.channels.participants,
    participantShare: t.channels.share,
    views: t.channels.views,
    clicks: t.channels.clicks,
    clickThroughRate: t.channels.clickThroughRate,
    conversions: t.channels.conversions,
    conversionRate: t.channels.conversionRate,
    distributionCost: t.channels.cost,
    costPerParticipant: t.channels.costPerParticipant,
  };
  const active = sort.column === column;
  return (
    <th scope="col" aria-sort={active ? (sort.descending ? "descending" : "ascending") : undefined}>
      <button type="button" onClick={onSort}>
        {heads[column]}
        <span aria-hidden="true">{active ? (sort.descending ? "↓" : "↑") : ""}</span>
      </button>
    </th>
  );
}

function ChannelRow({
  channel,
  most,
  seen,
  freshness,
}: {
  channel: ChannelRowFragment;
  most: number;
  seen: readonly number[];
  freshness: FreshnessFragment | null;
}) {
  const { t, f } = useLocale();
  return (
    <tr>
      <th scope="row">
        <span className="channel-head">
          <span className="channel-name">{channel.channelName}</span>
          <span className="channel-type" data-type={channel.channelType}>
            {t.channelType[channel.channelType]}
          </span>
        </span>
        {freshness === null ? null : <FreshnessNote freshness={freshness} />}
      </th>
      <td data-type={channel.channelType}>
        <span className="channel-count">
          <Sparkline values={growth(seen)} label={t.channels.growth} />
          {f.count(channel.participants)}
        </span>
        <Bar part={channel.participants / most} />
      </td>
      <td>{f.percent(channel.participantShare)}</td>
      <td>{f.count(channel.views)}</td>
      <td>{f.count(channel.clicks)}</td>
      <td>{f.percent(channel.clickThroughRate)}</td>
      <td>{f.count(channel.conversions)}</td>
      <td>{f.percent(channel.conversionRate)}</td>
      <td>{f.won(channel.distributionCost)}</td>
      <td>{f.won(channel.costPerParticipant)}</td>
    </tr>
  );
}
