import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, open } from "./browser";

/** A gateway with its demo that executes nothing but what its own pages ask for. */
const TRUSTED = process.env["TRUSTED_URL"];

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

async function ask(query: string): Promise<{ errors?: { extensions: { code: string } }[] }> {
  const response = await fetch(`${TRUSTED}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as { errors?: { extensions: { code: string } }[] };
}

describe.skipIf(TRUSTED === undefined)("a gateway that executes only what its pages ask for", () => {
  it("refuses everybody else's documents", async () => {
    expect((await ask("{ metrics { name } }")).errors?.[0]?.extensions.code).toBe("FORBIDDEN");
  });

  it("serves every page, live, and reads channels when asked", async () => {
    const { page, offences } = await open(browser, `${TRUSTED}/`, { locale: "en-US" });
    const refused: string[] = [];
    page.on("response", async (response) => {
      if (response.status() >= 400) {
        refused.push(`${response.url()} ${response.request().postData() ?? ""} ${await response.text().catch(() => "")}`);
      }
    });
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => {
        if (String(payload).includes("FORBIDDEN")) {
          refused.push(String(payload));
        }
      }),
    );
    await page.locator(".ranks li").first().waitFor();
    await page.locator(".tile").first().click();
    await page.locator('.connection[data-state="connected"]').waitFor();
    await page.locator(".channels tbody tr").first().waitFor();
    await page.locator(".funnel li").first().waitFor();
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.locator(".refresh-result p").first().waitFor();
    await page.locator('a[href^="/users/"]').click();
    await page.locator(".tile").first().waitFor();
    await page.reload();
    await page.locator(".tile").first().waitFor();
    expect(await page.locator(".notice").count()).toBe(0);
    expect(refused).toEqual([]);
    expect(offences).toEqual([]);
    await page.context().close();
  });
});
