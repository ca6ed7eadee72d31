import type { ReactNode } from "react";
import { Link } from "wouter";
import { LANGUAGE_NAMES, LANGUAGES, useLocale, type Language } from "../i18n/locale";
import logo from "../ui/pulse.svg";
import { Select } from "../ui/Select";
import { setTheme, THEMES, useTheme } from "../ui/theme";
import { ConnectionBadge } from "./ConnectionBadge";
import "./shell.css";

/** What surrounds every page: the name, the state of the connection, the settings. */
export function Shell({ onLanguage, children }: { onLanguage: (language: Language) => void; children: ReactNode }) {
  const { t, language } = useLocale();
  const theme = useTheme();
  return (
    <>
      <a className="skip" href="#content">
        {t.skipToContent}
      </a>
      <header className="top">
        <Link className="brand" href="/">
          <img src={logo} alt="" width="28" height="28" />
          {t.product}
        </Link>
        <ConnectionBadge />
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <footer className="bottom">
        <Select
          label={t.language}
          value={language}
          options={LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] }))}
          onChange={onLanguage}
        />
        <Select
          label={t.theme.label}
          value={theme}
          options={THEMES.map((value) => ({ value, label: t.theme[value] }))}
          onChange={setTheme}
        />
        <a href="/graphiql">{t.playground}</a>
      </footer>
    </>
  );
}
