import { readFile } from "node:fs/promises";
import type { Browser, Page, WebSocketRoute } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEvents } from "./kafka";
import { eventually, findEvent, gateway, launch, open, seriousFindings } from "./browser";

let browser: Browser;
/** An event that runs, and that the demo moves: the largest. */
let eventId: string;

beforeAll(async () => {
  browser = await launch();
  eventId = await findEvent();
});

afterAll(() => browser.close());

const participants = async (page: Page): Promise<number> =>
  Number((await page.locator(".figures dd").first().innerText()).replaceAll(/\D/gu, ""));
const isConnected = (page: Page) => page.locator('.connection[data-state="connected"]').waitFor();

describe.each([
  ["ko-KR", "light", "이벤트"],
  ["en-US", "dark", "Events"],
] as const)("the overview in %s, %s", (locale, colorScheme, title) => {
  it("shows live tiles and offends nobody", async () => {
    const { page, offences } = await open(browser, "/", { locale, colorScheme });
    await page.locator(".tile").first().waitFor();
    await isConnected(page);
    expect(await page.locator("h1").innerText()).toBe(title);
    expect(await seriousFindings(page)).toEqual([]);
    expect(offences).toEqual([]);
    await page.context().close();
  });
});

describe("the overview", () => {
  it("finds by title, keeps the search in the address, and says so where nothing is found", async () => {
    const { page, offences } = await open(browser, "/", { locale: "en-US" });
    const title = await page.locator(".tile h2").first().innerText();
    await page.getByRole("searchbox").fill(title);
    await eventually(
      () => page.locator(".tile h2").allInnerTexts(),
      (titles) => titles.length > 0 && titles.every((each) => each.includes(title)),
    );
    expect(new URL(page.url()).searchParams.get("q")).toBe(title);
    await page.getByRole("searchbox").fill("no event has this title");
    await page.getByRole("button", { name: "Clear search and filter" }).click();
    await page.locator(".tile").first().waitFor();
    expect(offences).toEqual([]);
    await page.context().close();
  });

  it("goes on as one scrolls, in the order and with the status that was chosen", async () => {
    const userId = `scroller-${Date.now().toString(36)}`;
    await createEvents(userId, 40);
    const { page, offences } = await open(browser, `/users/${userId}`, { locale: "en-US" });
    const titles = () => page.locator(".tile h2").allInnerTexts();
    expect(await eventually(() => page.locator(".overview-head .note").allInnerTexts(), ([count]) => count === "40 events")).toEqual(["40 events"]);
    await page.getByRole("combobox", { name: "Sort by" }).selectOption({ label: "Title" });
    expect((await eventually(titles, ([first]) => first === "목록 00")).length).toBeLessThan(40);
    await eventually(
      async () => {
        await page.mouse.wheel(0, 2_000);
        return titles();
      },
      (shown) => shown.length === 40,
    );
    expect(await titles()).toEqual(Array.from({ length: 40 }, (_, index) => `목록 ${String(index).padStart(2, "0")}`));
    await page.getByRole("radio", { name: "Ended" }).check();
    await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
    expect(new URL(page.url()).search).toBe("?status=ENDED&sort=title");
    expect(offences).toEqual([]);
    await page.context().close();
  });

  it("is of one user at an address of its own", async () => {
    const { page, offences } = await open(browser, `/events/${eventId}`, { locale: "en-US" });
    await page.locator('a[href^="/users/"]').click();
    await page.locator(".figures").waitFor();
    await page.locator(".tile").first().waitFor();
    expect(await participants(page)).toBeGreaterThan(0);
    expect(await seriousFindings(page)).toEqual([]);
    expect(offences).toEqual([]);
    await page.context().close();
  });
});

describe("the event page", () => {
  it.each([
    ["ko-KR", "dark", 390, ""],
    ["en-US", "light", 1280, "?range=P7D&vs=PREVIOUS_WEEK"],
    ["en-US", "dark", 1920, "?range=P7D&show=cumulative"],
  ] as const)("offends nobody in %s, %s, %i wide", async (locale, colorScheme, width, search) => {
    const { page, offences } = await open(browser, `/events/${eventId}${search}`, { locale, colorScheme, viewport: { width, height: 900 } });
    await page.locator(".chart-box canvas").waitFor();
    // By keyboard: a trend that comes late moves it away from under a mouse.
    await page.locator(".chart-table summary").press("Enter");
    await page.locator(".chart-table table").waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page scrolls sideways").toBe(true);
    expect(offences).toEqual([]);
    await page.context().close();
  });

  it("moves, loses its connection, and goes on from where it was", async () => {
    const { page, offences } = await open(browser, "/", { locale: "en-US" });
    let route: WebSocketRoute | undefined;
    const subscribed: { document: string; after: string | null }[] = [];
    await page.routeWebSocket(/\/graphql$/u, (socket) => {
      const server = socket.connectToServer();
      route = socket;
      socket.onMessage((message) => {
        const frame = JSON.parse(String(message)) as { type: string; payload?: { query: string; variables: { after?: string } } };
        if (frame.type === "subscribe" && frame.payload !== undefined) {
          subscribed.push({ document: frame.payload.query, after: frame.payload.variables.after ?? null });
        }
        server.send(message);
      });
    });
    await page.goto(`${gateway}/events/${eventId}`);
    await page.locator(".chart-box canvas").waitFor();
    await isConnected(page);
    const first = await participants(page);
    const moved = await eventually(
      () => participants(page),
      (now) => now > first,
    );
    expect(moved, "the event does not move").toBeGreaterThan(first);

    const before = subscribed.length;
    await route?.close({ code: 1012, reason: "service restart" });
    await isConnected(page);
    const again = await eventually(
      () => Promise.resolve(subscribed.slice(before)),
      (frames) => frames.length >= before,
    );
    expect(again.map(({ document }) => document).toSorted()).toEqual(
      subscribed
        .slice(0, before)
        .map(({ document }) => document)
        .toSorted(),
    );
    expect(again.every(({ after }) => after !== null)).toBe(true);
    const later = await eventually(
      () => participants(page),
      (now) => now > moved,
    );
    expect(later, "the event does not move any more").toBeGreaterThan(moved);
    expect(offences).toEqual([]);
    await page.context().close();
  });

  it("hands out what the chart shows as a table", async () => {
    const { page, offences } = await open(browser, `/events/${eventId}?range=P7D&per=DAY&tz=Asia/Seoul&vs=PREVIOUS_WEEK`, { locale: "en-US" });
    await page.locator(".chart-box canvas").waitFor();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download CSV" }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe(`${await page.locator("h1").innerText()}.csv`);
    const [head, ...rows] = (await readFile(await file.path(), "utf8")).trim().split(/\r?\n/u);
    expect(head).toContain("start,end,startUtc");
    expect(head).toContain("compared");
    // Seven days back from now touch eight days of the calendar.
    expect(rows.length).toBe(8);
    expect(rows.every((row) => row.startsWith(eventId) && row.includes("T00:00:00+09:00"))).toBe(true);
    expect(offences).toEqual([]);
    await page.context().close();
  });

  it("holds still for those who asked for it", async () => {
    const { page } = await open(browser, `/events/${eventId}`, { locale: "en-US", reducedMotion: "reduce" });
    await isConnected(page);
    await page.locator(".chart-box canvas").waitFor();
    const moving = () => page.evaluate(() => document.getAnimations().filter((animation) => animation.playState === "running").length);
    expect(await eventually(moving, (count) => count === 0)).toBe(0);
    await page.context().close();
  });

  it("can be read along by keyboard", async () => {
    const { page } = await open(browser, `/events/${eventId}`, { locale: "en-US" });
    const chart = page.getByRole("slider");
    await page.locator(".chart-box canvas").waitFor();
    await chart.focus();
    await page.keyboard.press("Home");
    expect(await eventually(() => chart.getAttribute("aria-valuenow"), (value) => value === "0")).toBe("0");
    await page.keyboard.press("ArrowRight");
    expect(await eventually(() => chart.getAttribute("aria-valuenow"), (value) => value === "1")).toBe("1");
    expect(await chart.getAttribute("aria-valuetext")).toMatch(/: \d/u);
    await page.context().close();
  });

  it("switches language and appearance, and remembers both", async () => {
    const { page } = await open(browser, `/events/${eventId}`, { locale: "en-US", colorScheme: "light" });
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("link", { name: "GraphiQL" }).waitFor();
    await page.getByRole("radio", { name: "한국어" }).check();
    await page.getByRole("radio", { name: "어둡게" }).check();
    expect(await seriousFindings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("radio", { name: "어둡게" }).waitFor({ state: "hidden" });
    await page.reload();
    await page.getByRole("heading", { name: "시간별 추이" }).waitFor();
    expect(await page.evaluate(() => [document.documentElement.lang, getComputedStyle(document.body).colorScheme])).toEqual(["ko", "dark"]);
    await page.context().close();
  });

  it("says that an event is not there, and what that may mean", async () => {
    const { page, offences } = await open(browser, "/events/no-such-event", { locale: "en-US" });
    await page.getByRole("heading", { level: 1, name: "There is no such event" }).waitFor();
    expect(offences).toEqual([]);
    await page.context().close();
  });
});
