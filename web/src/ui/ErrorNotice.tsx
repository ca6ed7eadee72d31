import { toGatewayError } from "../gateway/errors";
import { useLocale } from "../i18n/locale";
import "./controls.css";
import { Notice } from "./Notice";
import { TokenForm } from "./TokenForm";

/** An error, in words that say what to do about it. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useLocale();
  const { code } = toGatewayError(error);
  return (
    <Notice role="alert" title={t.error.title} hint={t.error.texts[code]}>
      {code === "FORBIDDEN" ? <TokenForm /> : null}
      {onRetry === undefined ? null : (
        <button type="button" className="button" onClick={onRetry}>
          {t.error.retry}
        </button>
      )}
    </Notice>
  );
}
