import { signIn } from "../gateway/session";
import { useLocale } from "../i18n/locale";
import "./controls.css";

/** Takes an access token. */
export function TokenForm() {
  const { t } = useLocale();
  return (
    <form
      className="token"
      onSubmit={(submit) => {
        submit.preventDefault();
        signIn(String(new FormData(submit.currentTarget).get("token") ?? ""));
      }}
    >
      <label className="field">
        <span>{t.token.label}</span>
        <input name="token" type="password" autoComplete="off" spellCheck={false} required />
      </label>
      <button type="submit" className="button primary">
        {t.token.save}
      </button>
      <p className="note">{t.token.hint}</p>
    </form>
  );
}
