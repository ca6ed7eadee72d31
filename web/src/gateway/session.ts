import { createStore } from "../store";
import { readToken, writeToken } from "./token";

/** Why the gateway lets this tab see nothing: it has no token, or one that was not taken. */
export type Refusal = "missing" | "rejected";

const refusal = createStore<Refusal | null>(null);

/** The gateway did not say who this is: nothing on the page can go on before somebody gives a token. */
export function refuse(): void {
  refusal.set(readToken() === null ? "missing" : "rejected");
}

export const useRefusal = refusal.use;

/** Goes on with another token. What was loaded, and the socket, belong to the former one: the page begins anew. */
export function signIn(token: string): void {
  writeToken(token);
  location.reload();
}

/** Forgets the token and all that it brought. */
export function signOut(): void {
  writeToken(null);
  location.assign("/");
}
