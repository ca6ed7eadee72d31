import { useLocale } from "../i18n/locale";
import { connection } from "../live/connection";

/** Whether what is on the page moves. */
export function ConnectionBadge() {
  const { t } = useLocale();
  const state = connection.use();
  return (
    <>
      <div className="connection" data-state={state} role="status">
        {t.connection[state]}
      </div>
      {state === "reconnecting" ? <p className="offline">{t.connection.hint}</p> : null}
    </>
  );
}
