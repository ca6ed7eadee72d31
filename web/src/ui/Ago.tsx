import { useLocale } from "../i18n/locale";
import { useNow } from "./useNow";

const TICK_MS = 5_000;

/** How long ago an instant (RFC 3339) was, as time goes on; the instant itself on hovering. */
export function Ago({ instant }: { instant: string }) {
  const { f } = useLocale();
  const now = useNow(TICK_MS);
  const at = Date.parse(instant);
  return (
    <time dateTime={instant} title={f.instant(at)}>
      {f.ago(at, now)}
    </time>
  );
}
