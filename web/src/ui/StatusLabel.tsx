import type { EventStatus } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import "./status.css";

/** An event's status: by word, by shape, and by colour last. */
export function StatusLabel({ status }: { status: EventStatus }) {
  const { t } = useLocale();
  return (
    <span className="status" data-status={status}>
      {t.status[status]}
    </span>
  );
}
