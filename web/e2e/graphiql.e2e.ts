import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually, launch, open } from "./browser";

const EDITOR_PAUSE_MS = 1_000;

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** The answer as the page shows it, as far as it is in sight. */
const answer = (page: Page): Promise<string> =>
  page.evaluate(() => [...document.querySelectorAll(".result-window .view-line")].map((line) => line.textContent).join("\n"));

it("runs every example, with its documentation and explorer, from the origin alone", async () => {
  const { page, offences } = await open(browser, "/graphiql", { viewport: { width: 1400, height: 900 } });
  await page.locator(".graphiql-execute-button").waitFor();
  await page.locator(".graphiql-query-editor .view-line").first().waitFor();
  const tabs = page.locator(".graphiql-tab-button");
  const names = await tabs.allInnerTexts();
  expect(names.length).toBeGreaterThan(5);
  for (const [index, name] of names.entries()) {
    // One editor: the tabs have to take turns.
    /* oxlint-disable no-await-in-loop */
    await tabs.nth(index).click();
    // The editor reads the operations of another tab only after a pause.
    await page.waitForTimeout(EDITOR_PAUSE_MS);
    await page.locator(".graphiql-execute-button").click();
    const text = await eventually(() => answer(page), (shown) => shown.includes('"data"'));
    expect(text, name).toContain('"data"');
    expect(text, name).not.toContain('"errors"');
    if (name.startsWith("Live")) {
      await page.locator(".graphiql-execute-button").click();
    }
    /* oxlint-enable no-await-in-loop */
  }
  await page.getByRole("button", { name: /documentation/iu }).click();
  await page.getByText("EventAnalytics").first().waitFor();
  expect(offences).toEqual([]);
});
