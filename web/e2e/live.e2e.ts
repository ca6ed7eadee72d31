import type { Browser, Page, WebSocket } from "playwright-core";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, launch, open } from "./browser";
import { createEvent, register } from "./kafka";

/** A file that, once it is there, asks for a restart of the gateway; it goes when the gateway is ready again. */
const RESTART_REQUEST = process.env["RESTART_REQUEST"];
const RESTARTS_WITHIN_MS = 120_000;
const ROUNDS = 3;
/** Long enough for a chart that moves by itself to be found out. */
const STILL_MS = 1_500;

let browser: Browser;
let eventId: string;
/** How many people registered so far. */
let registered = 0;

beforeAll(async () => {
  browser = await launch();
  await awayFromTheHour();
  eventId = await createEvent("브라우저에서 보는 이벤트");
  await register(eventId, "p-0");
  registered = 1;
}, 270_000);

afterAll(() => browser.close());

/** A chart per hour gets another bar when an hour begins, which no message asked for. */
async function awayFromTheHour(): Promise<void> {
  await eventually(() => Promise.resolve(new Date().getMinutes()), (minute) => minute < 57, 200_000);
}

/** What the chart says about the running hour: how many participants it drew. */
const drawn = (page: Page): Promise<number> =>
  page.getByRole("slider").evaluate((chart) => Number((/: (?<count>[\d,]+)/u.exec(chart.ariaValueText ?? "")?.groups?.["count"] ?? "-1").replaceAll(",", "")));
const picture = (page: Page): Promise<string> => page.locator(".chart-box canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
const total = async (page: Page): Promise<number> => Number((await page.locator(".figures dd").first().innerText()).replaceAll(/\D/gu, ""));
const isConnected = (page: Page) => page.locator('.connection[data-state="connected"]').waitFor();

/** Waits until the chart shows everybody who registered. */
async function seesAll(page: Page): Promise<void> {
  await page.locator(".chart-box canvas").waitFor();
  expect(await eventually(() => drawn(page), (count) => count === registered)).toBe(registered);
  expect(await eventually(() => total(page), (count) => count === registered)).toBe(registered);
}

/** Frames of the page's WebSocket, in their order. */
interface Frame {
  readonly isSent: boolean;
  readonly type: string;
  readonly payload?: { query?: string; variables?: { after?: string }; data?: Record<string, { kind?: string }> | null };
}

const parse = (payload: string | Buffer) => JSON.parse(String(payload)) as Omit<Frame, "isSent">;

function record(page: Page): Frame[] {
  const frames: Frame[] = [];
  page.on("websocket", (socket: WebSocket) => {
    socket.on("framesent", ({ payload }) => frames.push({ isSent: true, ...parse(payload) }));
    socket.on("framereceived", ({ payload }) => frames.push({ isSent: false, ...parse(payload) }));
  });
  return frames;
}

const subscriptions = (frames: readonly Frame[]) => frames.filter((frame) => frame.isSent && frame.type === "subscribe").map((frame) => frame.payload);
const documents = (frames: readonly Frame[]) =>
  subscriptions(frames)
    .map((payload) => payload?.query)
    .toSorted();

describe("an event that nobody else writes", () => {
  it("moves on the chart with a message in Kafka, and not without one", async () => {
    const { page, offences } = await open(browser, `/events/${eventId}?range=P1D`, { locale: "en-US" });
    await isConnected(page);
    await seesAll(page);
    for (let round = 0; round < ROUNDS; round += 1) {
      // Each message has to find the chart at rest.
      /* oxlint-disable no-await-in-loop */
      await page.mouse.move(0, 0);
      const before = await picture(page);
      await page.waitForTimeout(STILL_MS);
      expect(await picture(page), "the chart moves without a message").toBe(before);
      await register(eventId, `p-${registered}`);
      registered += 1;
      expect(await eventually(() => drawn(page), (count) => count === registered)).toBe(registered);
      expect(await eventually(() => picture(page), (now) => now !== before), "the drawing stands still").not.toBe(before);
      /* oxlint-enable no-await-in-loop */
    }
    await seesAll(page);
    expect(offences).toEqual([]);
    await page.context().close();
  });

  it.skipIf(RESTART_REQUEST === undefined)("goes on by its cursors when the server was restarted", async () => {
    const { page, offences } = await open(browser, "/", { locale: "en-US" });
    const frames = record(page);
    await page.goto(new URL(`/events/${eventId}?range=P1D`, page.url()).href);
    await isConnected(page);
    await seesAll(page);

    const request = RESTART_REQUEST ?? "";
    const before = frames.splice(0);
    await writeFile(request, "");
    await page.locator('.connection[data-state="reconnecting"]').waitFor();
    expect(await total(page), "the numbers went with the connection").toBe(registered);
    await eventually(() => Promise.resolve(existsSync(request)), (isThere) => !isThere, RESTARTS_WITHIN_MS);
    expect(existsSync(request), "the server did not come back").toBe(false);
    await isConnected(page);

    await register(eventId, `p-${registered}`);
    registered += 1;
    await seesAll(page);
    expect(documents(frames)).toEqual(documents(before));
    expect(subscriptions(frames).filter((payload) => payload?.variables?.after === undefined)).toEqual([]);
    const kinds = frames.flatMap((frame) => (frame.isSent ? [] : (frame.payload?.data?.["timelineUpdated"]?.kind ?? [])));
    expect(kinds, "the chart started over").not.toContain("SNAPSHOT");
    expect(kinds).toContain("DELTA");
    // What a browser says about a server that is away.
    expect(offences.filter((offence) => !offence.includes("ERR_CONNECTION_REFUSED") && !offence.includes("WebSocket connection"))).toEqual([]);
    await page.context().close();
  });
});
