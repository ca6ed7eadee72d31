import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "pulsegate.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function stored(): Theme {
  const text = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === text) ?? "system";
}

let theme = stored();

function apply(): void {
  if (theme === "system") {
    delete document.documentElement.dataset["theme"];
  } else {
    document.documentElement.dataset["theme"] = theme;
  }
}

function announce(): void {
  for (const listener of listeners) {
    listener();
  }
}

export function setTheme(next: Theme): void {
  theme = next;
  localStorage.setItem(KEY, next);
  apply();
  announce();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What the user chose, where nothing has to follow it. */
export function currentTheme(): Theme {
  return theme;
}

/** What the user chose. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, () => theme);
}

function isDark(): boolean {
  return theme === "dark" || (theme === "system" && dark.matches);
}

/** What is seen: canvases have to be painted again when it changes. */
export function useIsDark(): boolean {
  return useSyncExternalStore(subscribe, isDark);
}

apply();
dark.addEventListener("change", announce);
