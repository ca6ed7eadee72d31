import type { Browser, CDPSession, Page, WebSocketRoute } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually, findEvent, gateway, launch, open } from "./browser";

/** What a page has to follow. */
const UPDATES_PER_S = 20;
/** So many that what each of them leaves behind would soon be seen. */
const BURST_PER_S = 200;
const BURST_MS = 4_000;
const HELD_BYTES = 1_500_000;
/** Watches memory for so long, and tells: `SOAK_SECONDS=300 npm run e2e -- speed`. */
const SOAK_SECONDS = Number(process.env["SOAK_SECONDS"] ?? 0);
const SOAK_STEP_S = 20;
/** Frames are counted over windows of this length; a busy machine may spoil some of them. */
const WINDOW_MS = 1_500;
const WINDOWS = 10;
/** Interactive within 1.5 s where the processor is four times slower than here. */
const INTERACTIVE_MS = 1_500;
const SLOWER = 4;

let browser: Browser;
let eventId: string;

beforeAll(async () => {
  browser = await launch();
  eventId = await findEvent();
});
afterAll(() => browser.close());

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What was measured, for whoever asked for a long look. */
function tell(line: string): void {
  if (SOAK_SECONDS > 0) {
    process.stdout.write(`${line}\n`);
  }
}

type Point = { start: string; participants: number; cumulativeParticipants: number };
interface Payloads {
  timelineUpdated: { kind: string; points: Point[]; totalParticipants: number };
  eventUpdated: { event: { totalParticipants: number; channels: { participants: number }[] } };
}
type Feed = keyof Payloads;
interface Next<Name extends Feed> {
  id: string;
  type: string;
  payload: { data: Pick<Payloads, Name> };
}

/** The page's socket as the gateway feeds it, and messages of the same kind that nobody produced. */
class Flood {
  private route: WebSocketRoute | undefined;
  private readonly latest: { [Name in Feed]?: Next<Name> } = {};
  private timer: ReturnType<typeof setInterval> | undefined;
  private sent = 0;

  async install(page: Page): Promise<void> {
    await page.routeWebSocket(/\/graphql$/u, (route) => {
      const server = route.connectToServer();
      this.route = route;
      server.onMessage((message) => {
        this.remember(String(message));
        // Once the flood has begun, the numbers are its own.
        if (this.timer === undefined || !String(message).includes('"next"')) {
          route.send(message);
        }
      });
    });
  }

  isReady(): boolean {
    return this.latest.timelineUpdated !== undefined && this.latest.eventUpdated !== undefined;
  }

  /** Sends so many updates of each feed a second from now on. */
  start(perSecond: number): void {
    clearInterval(this.timer);
    this.timer = setInterval(() => this.sendBoth(), 1_000 / perSecond);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private remember(message: string): void {
    if (this.timer !== undefined) {
      return;
    }
    const next = JSON.parse(message) as Next<Feed>;
    if (next.type === "next" && "timelineUpdated" in next.payload.data && next.payload.data.timelineUpdated.kind === "SNAPSHOT") {
      this.latest.timelineUpdated = next as Next<"timelineUpdated">;
    } else if (next.type === "next" && "eventUpdated" in next.payload.data) {
      this.latest.eventUpdated = next as Next<"eventUpdated">;
    }
  }

  /** One more participant, as both feeds would tell it. */
  private sendBoth(): void {
    const { timelineUpdated: timeline, eventUpdated: event } = this.latest;
    this.sent += 1;
    if (timeline !== undefined) {
      const update = timeline.payload.data.timelineUpdated;
      const points = update.points
        .slice(-1)
        .map((point) => ({ ...point, participants: point.participants + this.sent, cumulativeParticipants: point.cumulativeParticipants + this.sent }));
      const data = { timelineUpdated: { ...update, kind: "DELTA", points, totalParticipants: update.totalParticipants + this.sent } };
      this.route?.send(JSON.stringify({ ...timeline, payload: { data } }));
    }
    if (event !== undefined) {
      const former = event.payload.data.eventUpdated;
      const channels = former.event.channels.map((channel) => ({ ...channel, participants: channel.participants + this.sent }));
      const data = { eventUpdated: { ...former, event: { ...former.event, channels, totalParticipants: former.event.totalParticipants + this.sent } } };
      this.route?.send(JSON.stringify({ ...event, payload: { data } }));
    }
  }
}

/** Frames a second, and the gap in milliseconds that all but one in twenty stay below. */
async function countFrames(page: Page): Promise<{ rate: number; gap: number }> {
  const stamps = await page.evaluate(
    (milliseconds) =>
      new Promise<number[]>((resolve) => {
        const seen: number[] = [];
        const step = (now: number): void => {
          seen.push(now);
          if (now - (seen[0] ?? now) < milliseconds) {
            requestAnimationFrame(step);
          } else {
            resolve(seen);
          }
        };
        requestAnimationFrame(step);
      }),
    WINDOW_MS,
  );
  const gaps = stamps.slice(1).map((stamp, index) => stamp - (stamps[index] ?? stamp));
  const sum = gaps.reduce((total, gap) => total + gap, 0);
  return { rate: (gaps.length / sum) * 1_000, gap: gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length * 0.95)] ?? Infinity };
}

/** Bytes of live objects. */
async function heap(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize;
}

/** Milliseconds of processor time that the page's main thread took: other processes have no part in it. */
async function busy(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Infinity) * 1_000;
}

it("draws every frame, and holds its memory, at twenty updates a second", { timeout: 90_000 + SOAK_SECONDS * 1_500 }, async () => {
  const { page, offences } = await open(browser, "/readyz");
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const flood = new Flood();
  await flood.install(page);
  await page.goto(`${gateway}/events/${eventId}`);
  await page.locator(".chart-box canvas").waitFor();
  await eventually(() => Promise.resolve(flood.isReady()), Boolean);
  const total = () => page.locator(".figures dd").first().innerText();
  const before = await total();
  flood.start(UPDATES_PER_S);
  await eventually(total, (now) => now !== before);

  const windows: { rate: number; gap: number }[] = [];
  const busyBefore = await busy(session);
  const since = performance.now();
  do {
    // One after the other: each has the page to itself.
    // oxlint-disable-next-line no-await-in-loop
    windows.push(await countFrames(page));
  } while (windows.length < WINDOWS && (windows.at(-1)?.rate ?? 0) < 58);
  const share = ((await busy(session)) - busyBefore) / (performance.now() - since);
  const told = windows.map(({ rate, gap }) => `${rate.toFixed(1)}/s, gaps ${gap.toFixed(1)} ms`).join("; ");
  expect(Math.max(...windows.map(({ rate }) => rate)), told).toBeGreaterThan(45);
  expect(Math.min(...windows.map(({ gap }) => gap)), told).toBeLessThan(34);
  expect(share, "so much of the main thread's time is taken").toBeLessThan(0.6);

  flood.start(BURST_PER_S);
  await pause(BURST_MS);
  const held = await heap(session);
  await pause(BURST_MS);
  expect((await heap(session)) - held, "bytes are held that were not before").toBeLessThan(HELD_BYTES);

  flood.start(UPDATES_PER_S);
  for (let second = 0; second < SOAK_SECONDS; second += SOAK_STEP_S) {
    // oxlint-disable-next-line no-await-in-loop
    await pause(SOAK_STEP_S * 1_000);
    // oxlint-disable-next-line no-await-in-loop
    tell(`${second + SOAK_STEP_S} s: heap ${((await heap(session)) / 1e6).toFixed(2)} MB`);
  }
  flood.stop();
  expect(offences).toEqual([]);
  tell(`${told}; main thread ${(share * 100).toFixed(0)} %`);
  await page.context().close();
});

it("is interactive soon, also where the processor is slow", async () => {
  const { page } = await open(browser, "/readyz");
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.goto(`${gateway}/`);
  await page.locator(".tile").first().waitFor();
  await page.getByRole("searchbox").focus();
  const taken = await busy(session);
  tell(`main thread ${taken.toFixed(0)} ms until tiles, ${(await page.evaluate(() => performance.now())).toFixed(0)} ms by the clock`);
  expect(taken * SLOWER, "milliseconds of a slow processor").toBeLessThan(INTERACTIVE_MS);
  await page.context().close();
});
