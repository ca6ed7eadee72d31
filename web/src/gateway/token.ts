/** The access token of this tab. It is gone when the tab closes, and never leaves the origin. */
const KEY = "pulsegate.token";

export function readToken(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Stores the token; null or blank removes it. */
export function writeToken(token: string | null): void {
  const trimmed = token?.trim() ?? "";
  if (trimmed === "") {
    sessionStorage.removeItem(KEY);
  } else {
    sessionStorage.setItem(KEY, trimmed);
  }
}

/** The header (and the `connection_init` payload) that carries the token. */
export function authorization(): Record<string, string> {
  const token = readToken();
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}
