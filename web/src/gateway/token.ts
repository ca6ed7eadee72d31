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

/** Whose token it says that it is. Only the gateway can tell whether that is true. */
export interface Subject {
  readonly user: string;
  readonly isAdmin: boolean;
}

/** What a JSON Web Token says about its owner; null where the text is none. */
export function subjectOf(token: string): Subject | null {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.codePointAt(0) ?? 0);
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown; role?: unknown };
    return typeof claims.sub === "string" ? { user: claims.sub, isAdmin: claims.role === "admin" } : null;
  } catch {
    return null;
  }
}

/** The header (and the `connection_init` payload) that carries the token. */
export function authorization(): Record<string, string> {
  const token = readToken();
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}
