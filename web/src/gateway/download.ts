import { GatewayError } from "./errors";
import { refuse } from "./session";
import { authorization } from "./token";

export interface Download {
  readonly content: Blob;
  /** The header Content-Disposition. */
  readonly disposition: string | null;
}

const CODES: Readonly<Record<number, GatewayError["code"]>> = {
  400: "BAD_USER_INPUT",
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  429: "RATE_LIMITED",
  503: "UNAVAILABLE",
  504: "TIMEOUT",
};

/** Fetches a file of the gateway as whoever this tab's token is for: a link could not carry it. */
export async function download(address: string): Promise<Download> {
  const response = await fetch(address, { headers: authorization() }).catch((error: unknown) => {
    throw new GatewayError("NETWORK", String(error));
  });
  if (!response.ok) {
    const error = new GatewayError(CODES[response.status] ?? "INTERNAL", await response.text());
    if (error.code === "UNAUTHENTICATED") {
      refuse();
    }
    throw error;
  }
  return { content: await response.blob(), disposition: response.headers.get("content-disposition") };
}

/** Hands a file to the browser to keep. */
export function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
