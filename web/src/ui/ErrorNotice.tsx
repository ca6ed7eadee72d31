import { toGatewayError } from "../gateway/errors";
import { writeToken } from "../gateway/token";
import { useLocale } from "../i18n/locale";
import "./controls.css";
import { Notice } from "./Notice";

/** An error, in words that say what to do about it. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useLocale();
  const { code } = toGatewayError(error);
  return (
    <Notice role="alert" title={t.error.title} hint={t.error.texts[code]}>
      {code === "UNAUTHENTICATED" || code === "FORBIDDEN" ? <TokenForm /> : null}
      {onRetry === undefined ? null : (
        <button type="button" className="button" onClick={onRetry}>
          {t.error.retry}
        </button>
      )}
    </Notice>
  );
}

function TokenForm() {
  const { t } = useLocale();
  return (
    <form
      onSubmit={(submit) => {
        submit.preventDefault();
        writeToken(String(new FormData(submit.currentTarget).get("token") ?? ""));
        // The socket and every query were made without it.
        location.reload();
      }}
    >
      <label className="field">
        <span>{t.token.label}</span>
        <input name="token" type="password" autoComplete="off" required />
      </label>
      <button type="submit" className="button primary">
        {t.token.save}
      </button>
      <p className="note">{t.token.hint}</p>
    </form>
  );
}
