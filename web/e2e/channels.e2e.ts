import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, launch, open, seriousFindings } from "./browser";
import { ChannelApi } from "./channelApi";
import { inSeconds, sign } from "./token";

/** A gateway that reads its TV channels from an API at CHANNEL_API_PORT, and asks for tokens. */
const GUARDED = process.env["GUARDED_URL"];
const SECRET = process.env["GUARDED_SECRET"] ?? "";
const PORT = process.env["CHANNEL_API_PORT"];
/** More than the demo will ever tell. */
const VIEWS = 50_000_000;

const api = new ChannelApi();
let browser: Browser;

beforeAll(async () => {
  browser = await launch();
  if (PORT !== undefined) {
    await api.listen(Number(PORT));
  }
});
afterAll(async () => {
  api.close();
  await browser.close();
});

/** A running event with a TV channel: its id and the channel's name. */
async function findChannel(token: string): Promise<{ eventId: string; channelName: string }> {
  const query = "{ events(first: 1, filter: { status: [ACTIVE], channelType: [TV] }) { nodes { eventId channels(types: [TV]) { channelName } } } }";
  const response = await fetch(`${GUARDED}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  const answer = (await response.json()) as { data: { events: { nodes: { eventId: string; channels: { channelName: string }[] }[] } } };
  const [event] = answer.data.events.nodes;
  return { eventId: event?.eventId ?? "", channelName: event?.channels[0]?.channelName ?? "" };
}

/** Reads the channels again and again until the page says what is expected of the channel. */
async function refreshUntil(page: Page, channelName: string, expected: RegExp): Promise<string> {
  const row = page.getByRole("row", { name: channelName });
  return eventually(
    async () => {
      await page.locator('.event-actions button:not([disabled])').click();
      await page.locator('.event-actions button:not([disabled])').waitFor();
      return row.innerText();
    },
    (text) => expected.test(text),
    40_000,
  );
}

describe.skipIf(PORT === undefined)("channels with an API", () => {
  it("are read when one asks, and show their last numbers while it is down", async () => {
    const token = sign({ sub: "operator", role: "admin", exp: inSeconds(600) }, SECRET);
    const { eventId, channelName } = await eventually(() => findChannel(token), (found) => found.channelName !== "");
    const { page, offences } = await open(browser, `${GUARDED}/readyz`, { locale: "en-US", colorScheme: "light" });
    await page.evaluate((text) => sessionStorage.setItem("pulsegate.token", text), token);
    await page.goto(`${GUARDED}/events/${eventId}`);
    await page.locator(".chart-box canvas").waitFor();

    api.views = VIEWS;
    const read = /Channel API[\s\S]*50,000,000/u;
    expect(await refreshUntil(page, channelName, read)).toMatch(read);
    expect(await page.locator(".refresh-result").innerText()).toMatch(/\d of \d channels read just now/u);

    api.isBroken = true;
    const down = /(?:API down|Trying again)[\s\S]*50,000,000/u;
    expect(await refreshUntil(page, channelName, down)).toMatch(down);
    await page.locator(".refresh-result").getByText(channelName).waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    api.isBroken = false;
    expect(await refreshUntil(page, channelName, read)).toMatch(read);
    expect(offences).toEqual([]);
    await page.context().close();
  });
});
