import { useEffect, useRef, type ReactNode } from "react";
import { useLocale } from "../i18n/locale";
import { ErrorNotice } from "../ui/ErrorNotice";
import { Notice } from "../ui/Notice";
import { Skeleton } from "../ui/Skeleton";
import { useDebounced } from "../ui/useDebounced";
import { useInView } from "../ui/useInView";
import { EventTile } from "./EventTile";
import "./overview.css";
import { OverviewToolbar } from "./OverviewToolbar";
import { RankingPanel } from "./RankingPanel";
import { toFilter, useEvents } from "./useEvents";
import { useOverviewParams } from "./useOverviewParams";

const TYPING_MS = 250;
const PLACEHOLDERS = ["a", "b", "c", "d", "e", "f"];

/**
 * Events as tiles, with the ranking of their channels.
 *
 * @param userId whose events; null for all that the viewer may see
 */
export function Overview({ title, userId, children }: { title: string; userId: string | null; children?: ReactNode }) {
  const { t, f } = useLocale();
  const [params, change] = useOverviewParams();
  const search = useDebounced(params.search, TYPING_MS);
  const filter = toFilter(userId, { search, status: params.status });
  const events = useEvents(filter, params.sort);

  const total = events.data?.pages[0]?.events.totalCount;
  return (
    <>
      <div className="overview-head">
        <h1>{title}</h1>
        {total === undefined ? null : <p className="note number">{t.overview.count(f.count(total))}</p>}
      </div>
      {children}
      <OverviewToolbar params={params} onChange={change} />
      <div className="overview-body">
        <div>
          <Tiles
            events={events}
            isFiltered={params.search !== "" || params.status !== null}
            onClear={() => change({ search: "", status: null })}
          />
        </div>
        <RankingPanel filter={filter} />
      </div>
    </>
  );
}

function Tiles({ events, isFiltered, onClear }: { events: ReturnType<typeof useEvents>; isFiltered: boolean; onClear: () => void }) {
  const { t } = useLocale();
  if (events.isPending) {
    return (
      <div className="tiles" role="status" aria-label={t.loading}>
        {PLACEHOLDERS.map((key) => (
          <Skeleton key={key} height="15rem" />
        ))}
      </div>
    );
  }
  if (events.data === undefined) {
    return <ErrorNotice error={events.error} onRetry={() => void events.refetch()} />;
  }
  const tiles = events.data.pages.flatMap((page) => page.events.nodes);
  if (tiles.length === 0) {
    return isFiltered ? (
      <Notice role="status" title={t.overview.noMatchTitle} hint={t.overview.noMatchHint}>
        <button type="button" className="button" onClick={onClear}>
          {t.overview.clear}
        </button>
      </Notice>
    ) : (
      <Notice role="status" title={t.overview.emptyTitle} hint={t.overview.emptyHint} />
    );
  }
  return (
    <>
      <ul className="tiles" aria-busy={events.isPlaceholderData}>
        {tiles.map((event) => (
          <EventTile key={event.id} event={event} />
        ))}
      </ul>
      <More events={events} />
    </>
  );
}

/** The end of the list; coming into sight, it fetches the next page. */
function More({ events }: { events: ReturnType<typeof useEvents> }) {
  const { t } = useLocale();
  const element = useRef<HTMLDivElement>(null);
  const inView = useInView(element, "600px");
  const { hasNextPage, isFetching, isError, fetchNextPage } = events;
  useEffect(() => {
    if (inView && hasNextPage && !isFetching && !isError) {
      void fetchNextPage();
    }
  }, [inView, hasNextPage, isFetching, isError, fetchNextPage]);

  return (
    <div ref={element} className="more note">
      {events.isFetchNextPageError ? (
        <ErrorNotice error={events.error} onRetry={() => void fetchNextPage()} />
      ) : (
        <p role="status">{hasNextPage ? t.overview.more : t.overview.end}</p>
      )}
    </div>
  );
}
