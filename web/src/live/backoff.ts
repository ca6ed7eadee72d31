const BASE_MS = 300;
const MAX_MS = 10_000;

/**
 * How long to wait before attempt `attempt` (from 0), in milliseconds: exponential, at most 10 s, and anywhere in the
 * upper half of that, so that pages which lost the same server do not all come back at once.
 *
 * @param random a number in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(attempt, 16));
  return ceiling * (0.5 + random / 2);
}

/** Waits, but not longer than until the browser says that the network is back. */
export function waitForRetry(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      removeEventListener("online", finish);
      resolve();
    };
    const timer = setTimeout(finish, milliseconds);
    addEventListener("online", finish);
  });
}
