import { createContext, use } from "react";
import { en, type Messages } from "./en";
import { createFormats, type Formats } from "./formats";
import { ko } from "./ko";

export const LANGUAGES = ["ko", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

/** How a language calls itself. */
export const LANGUAGE_NAMES: Record<Language, string> = { ko: "한국어", en: "English" };

const MESSAGES: Record<Language, Messages> = { en, ko };

/** A language's texts and formats. */
export interface Locale {
  readonly language: Language;
  readonly t: Messages;
  readonly f: Formats;
}

export function createLocale(language: Language): Locale {
  return { language, t: MESSAGES[language], f: createFormats(language) };
}

/** The first of the browser's languages that there is, else English. */
export function preferredLanguage(languages: readonly string[]): Language {
  const wanted = languages.map((language) => language.toLowerCase().split("-")[0]);
  return wanted.map((base) => LANGUAGES.find((language) => language === base)).find((language) => language !== undefined) ?? "en";
}

export const LocaleContext = createContext<Locale>(createLocale("en"));

export function useLocale(): Locale {
  return use(LocaleContext);
}
