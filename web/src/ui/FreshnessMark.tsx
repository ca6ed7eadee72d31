import type { FreshnessMarkFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import "./freshness.css";
import { useNow } from "./useNow";

const TICK_MS = 10_000;

/** How old numbers are, and a word of warning where the source that they come from does not answer. */
export function FreshnessMark({ freshness }: { freshness: FreshnessMarkFragment }) {
  const { t, f } = useLocale();
  const now = useNow(TICK_MS);
  const asOf = Date.parse(freshness.asOf);
  const { breaker } = freshness;
  const isOpen = breaker !== null && breaker !== "CLOSED";
  return (
    <span className="freshness" data-stale={freshness.isStale || isOpen}>
      <time dateTime={freshness.asOf} title={f.instant(asOf)}>
        {t.freshness.asOf(f.ago(asOf, now))}
      </time>
      {isOpen ? <span> · {t.freshness.breaker[breaker]}</span> : freshness.isStale ? <span> · {t.freshness.stale}</span> : null}
    </span>
  );
}
