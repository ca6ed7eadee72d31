import { LANGUAGES, type Language } from "../i18n/locale";

const KEY = "pulsegate.language";

/** The language that was chosen on this browser, if one was. */
export function readLanguage(): Language | null {
  const text = localStorage.getItem(KEY);
  return LANGUAGES.find((language) => language === text) ?? null;
}

export function writeLanguage(language: Language): void {
  localStorage.setItem(KEY, language);
}
