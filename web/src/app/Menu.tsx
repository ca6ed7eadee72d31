import { useQuery } from "@tanstack/react-query";
import { useId, useState, type ReactNode } from "react";
import { signOut } from "../gateway/session";
import { readToken, subjectOf } from "../gateway/token";
import { LANGUAGE_NAMES, LANGUAGES, useLocale, type Language } from "../i18n/locale";
import { SettingsIcon } from "../ui/icons";
import { Segments } from "../ui/Segments";
import { setTheme, THEMES, useTheme } from "../ui/theme";

/** What is chosen once and seldom changed: language, appearance, whose numbers these are. */
export function Menu({ onLanguage }: { onLanguage: (language: Language) => void }) {
  const { t, language } = useLocale();
  const theme = useTheme();
  const id = useId();
  const [wasOpened, setOpened] = useState(false);
  const hasPlayground = useHasPlayground(wasOpened);
  return (
    <>
      <button type="button" className="menu-button" popoverTarget={id} aria-label={t.settings}>
        <SettingsIcon />
      </button>
      <div id={id} popover="auto" className="menu" onToggle={() => setOpened(true)}>
        <Choice label={t.language}>
          <Segments
            label={t.language}
            value={language}
            options={LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] }))}
            onChange={onLanguage}
          />
        </Choice>
        <Choice label={t.theme.label}>
          <Segments label={t.theme.label} value={theme} options={THEMES.map((value) => ({ value, label: t.theme[value] }))} onChange={setTheme} />
        </Choice>
        {hasPlayground ? (
          <a className="menu-link" href="/graphiql">
            {t.playground}
          </a>
        ) : null}
        <Account />
      </div>
    </>
  );
}

function Choice({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="menu-choice">
      <span aria-hidden="true">{label}</span>
      {children}
    </div>
  );
}

/** Whose token this tab has, and how to be rid of it. */
function Account() {
  const { t } = useLocale();
  const token = readToken();
  if (token === null) {
    return null;
  }
  const subject = subjectOf(token);
  return (
    <div className="menu-account">
      <p>
        {subject === null ? t.token.unknown : <b>{subject.user}</b>}
        {subject?.isAdmin === true ? <span className="note"> {t.token.admin}</span> : null}
      </p>
      <button type="button" className="button" onClick={signOut}>
        {t.token.signOut}
      </button>
    </div>
  );
}

/** Whether there is GraphiQL here: an operator may have switched it off. */
function useHasPlayground(isWanted: boolean): boolean {
  const { data } = useQuery({
    queryKey: ["playground"],
    queryFn: async ({ signal }) => (await fetch("/graphiql", { method: "HEAD", signal })).ok,
    enabled: isWanted,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return data ?? false;
}
