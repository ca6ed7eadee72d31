import type { FreshnessFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { Ago } from "../ui/Ago";
import "./freshness.css";

/** How current numbers are: by word, by shape, and by colour last. */
export function FreshnessNote({ freshness }: { freshness: FreshnessFragment }) {
  const { t } = useLocale();
  const { asOf, source, isStale, breaker } = freshness;
  const isTroubled = breaker === "OPEN" || breaker === "HALF_OPEN";
  const state = isTroubled ? t.freshness.breaker[breaker] : isStale ? t.freshness.stale : t.freshness.source[source];
  return (
    <span className="freshness" data-state={isTroubled ? breaker : isStale ? "STALE" : "FRESH"} title={isTroubled ? t.freshness.hint[breaker] : undefined}>
      <span className="freshness-state">{state}</span>
      <Ago instant={asOf} />
    </span>
  );
}
