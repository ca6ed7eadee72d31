import type { ReactNode } from "react";
import { Link } from "wouter";
import { useRefusal } from "../gateway/session";
import { useLocale, type Language } from "../i18n/locale";
import logo from "../ui/pulse.svg";
import { ConnectionBadge } from "./ConnectionBadge";
import { Menu } from "./Menu";
import "./shell.css";
import { SignIn } from "./SignIn";

/** What surrounds every page: the name, the state of the connection, the settings. */
export function Shell({ onLanguage, children }: { onLanguage: (language: Language) => void; children: ReactNode }) {
  const { t } = useLocale();
  const refusal = useRefusal();
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
        {refusal === null ? <ConnectionBadge /> : null}
        <Menu onLanguage={onLanguage} />
      </header>
      <main id="content" tabIndex={-1}>
        {refusal === null ? children : <SignIn refusal={refusal} />}
      </main>
    </>
  );
}
