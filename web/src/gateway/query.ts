import type { TypedDocumentString } from "./generated/operations";
import { GatewayError, toGatewayError, type WireError } from "./errors";
import { refuse } from "./session";
import { authorization } from "./token";

interface Answer<Data> {
  data?: Data | null;
  errors?: WireError[];
}

/** Runs a query over HTTP. Rejects with a GatewayError, also where only a part of the answer failed. */
export async function query<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Data> {
  const answer = await post<Data>(JSON.stringify({ query: document.toString(), variables }), signal);
  if (answer.errors !== undefined && answer.errors.length > 0) {
    const error = toGatewayError(answer.errors);
    if (error.code === "UNAUTHENTICATED") {
      refuse();
    }
    throw error;
  }
  if (answer.data === undefined || answer.data === null) {
    throw new GatewayError("INTERNAL", "the answer holds no data");
  }
  return answer.data;
}

async function post<Data>(body: string, signal: AbortSignal | undefined): Promise<Answer<Data>> {
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/graphql-response+json, application/json;q=0.9",
        ...authorization(),
      },
      body,
      signal: signal ?? null,
    });
    return (await response.json()) as Answer<Data>;
  } catch (error) {
    // An abort is the caller's own doing and stays what it is.
    if (error instanceof DOMException && error.name === "AbortError") {
      throw error;
    }
    throw toGatewayError(error);
  }
}
