/** `extensions.code` of the gateway, and NETWORK where no answer came at all. */
export type ErrorCode =
  | "BAD_USER_INPUT"
  | "FORBIDDEN"
  | "GRAPHQL_PARSE_FAILED"
  | "GRAPHQL_VALIDATION_FAILED"
  | "INTERNAL"
  | "NETWORK"
  | "PERSISTED_QUERY_NOT_FOUND"
  | "QUERY_TOO_COMPLEX"
  | "RATE_LIMITED"
  | "RESYNC_REQUIRED"
  | "TIMEOUT"
  | "UNAUTHENTICATED"
  | "UNAVAILABLE";

/** One error of a GraphQL answer, as far as the page reads it. */
export interface WireError {
  message: string;
  extensions?: Record<string, unknown>;
}

export class GatewayError extends Error {
  override readonly name = "GatewayError";

  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }

  /** Whether the same request may succeed later without anybody doing anything. */
  get isTransient(): boolean {
    return TRANSIENT.has(this.code);
  }
}

const TRANSIENT: ReadonlySet<ErrorCode> = new Set(["INTERNAL", "NETWORK", "RATE_LIMITED", "TIMEOUT", "UNAVAILABLE"]);
const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  "BAD_USER_INPUT",
  "FORBIDDEN",
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
  "INTERNAL",
  "PERSISTED_QUERY_NOT_FOUND",
  "QUERY_TOO_COMPLEX",
  "RATE_LIMITED",
  "RESYNC_REQUIRED",
  "TIMEOUT",
  "UNAUTHENTICATED",
  "UNAVAILABLE",
]);

/** WebSocket close codes that say the credentials were not taken. */
const CLOSED_UNAUTHENTICATED: ReadonlySet<number> = new Set([4401, 4403]);

/** Whether a WebSocket was closed because the gateway did not take the credentials. */
export function isRefusal(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "number" && CLOSED_UNAUTHENTICATED.has(code);
}

function fromWire(error: WireError): GatewayError {
  const code = error.extensions?.["code"];
  return new GatewayError(typeof code === "string" && CODES.has(code) ? (code as ErrorCode) : "INTERNAL", error.message);
}

function isWireErrors(cause: unknown): cause is [WireError, ...WireError[]] {
  return Array.isArray(cause) && cause.length > 0 && typeof (cause[0] as WireError).message === "string";
}

/** Whatever a request or a subscription ended with, as one kind of error. */
export function toGatewayError(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) {
    return cause;
  }
  if (isWireErrors(cause)) {
    return fromWire(cause[0]);
  }
  if (isRefusal(cause)) {
    return new GatewayError("UNAUTHENTICATED", "the connection was refused");
  }
  return new GatewayError("NETWORK", cause instanceof Error ? cause.message : "the connection was lost");
}
