import { toGatewayError } from "../gateway/errors";
import type { EventFreshnessFragment, EventPageFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { RefreshIcon } from "../ui/icons";
import { FreshnessNote } from "./FreshnessNote";
import { useRefresh, type ChannelRefresh } from "./useFreshness";

interface Props {
  eventId: string;
  freshness: EventFreshnessFragment | null;
  onEvent: (event: EventPageFragment) => void;
}

/** How current the event is, and how to have its channels read now. */
export function RefreshControl({ eventId, freshness, onEvent }: Props) {
  const { t } = useLocale();
  const refresh = useRefresh(eventId, onEvent);
  return (
    <div className="event-actions">
      {freshness === null ? null : <FreshnessNote freshness={freshness.freshness} />}
      <button type="button" className="button" aria-busy={refresh.isPending} disabled={refresh.isPending} onClick={() => refresh.mutate()}>
        <RefreshIcon />
        {t.refresh.button}
      </button>
      <div className="refresh-result" role="status">
        {refresh.isError ? <p>{t.error.texts[toGatewayError(refresh.error).code]}</p> : null}
        {refresh.isSuccess ? <Result channels={refresh.data.channels} /> : null}
      </div>
    </div>
  );
}

function Result({ channels }: { channels: readonly ChannelRefresh[] }) {
  const { t, f } = useLocale();
  if (channels.length === 0) {
    return <p>{t.refresh.noChannel}</p>;
  }
  if (channels.every(({ freshness }) => freshness.breaker === null)) {
    return <p>{t.refresh.noApi}</p>;
  }
  const failed = channels.filter((channel) => !channel.refreshed);
  return (
    <>
      <p>{t.refresh.done(f.count(channels.length - failed.length), f.count(channels.length))}</p>
      {failed.map(({ channelName, error, freshness }) => (
        <p key={channelName}>
          {channelName}: {freshness.breaker === null ? t.refresh.notConfigured : freshness.breaker === "OPEN" ? t.refresh.open : t.refresh.unreadable}
          {freshness.breaker === "CLOSED" && error !== null ? ` (${error})` : ""}
        </p>
      ))}
    </>
  );
}
