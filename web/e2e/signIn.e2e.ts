import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, launch, open, seriousFindings } from "./browser";
import { inSeconds, sign } from "./token";

/** A gateway that asks for tokens, with its demo, and what it checks them with. */
const GUARDED = process.env["GUARDED_URL"];
const SECRET = process.env["GUARDED_SECRET"] ?? "";
const OWNER = "demo-user-01";

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Use token" }).click();
}

/** What a browser says about an answer with 401 or a socket that was refused, which is what is tested here. */
const isRefusal = (offence: string): boolean => offence.includes("401") || offence.includes("404");

describe.skipIf(GUARDED === undefined)("a gateway that asks for tokens", () => {
  it("asks for one, tells a bad one, shows its owner's events alone, and forgets it", async () => {
    const { page, offences } = await open(browser, `${GUARDED}/`, { locale: "en-US" });
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    await signIn(page, "not.a.token");
    await page.getByRole("heading", { level: 1, name: "This token is not accepted" }).waitFor();

    await signIn(page, sign({ sub: OWNER, exp: inSeconds(600) }, SECRET));
    await page.locator(".figures").waitFor();
    await page.locator(".tile").first().click();
    await page.locator('.connection[data-state="connected"]').waitFor();
    expect(await page.locator('a[href^="/users/"]').innerText()).toBe(OWNER);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download CSV" }).click();
    expect((await download).suggestedFilename()).toContain(".csv");

    await page.goto(`${GUARDED}/users/demo-user-02`);
    await page.getByText("Your token does not allow this").waitFor();
    expect(await page.locator(".tile, .figures").count()).toBe(0);

    await page.getByRole("button", { name: "Settings" }).click();
    await page.locator(".menu").getByText(OWNER).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
    expect(await page.evaluate(() => sessionStorage.length + Object.values(localStorage).filter((text) => String(text).includes(".")).length)).toBe(0);
    expect(offences.filter((offence) => !isRefusal(offence))).toEqual([]);
    await page.context().close();
  });

  it("takes the token to GraphiQL, and shows the place of one where there is none", async () => {
    const { page } = await open(browser, `${GUARDED}/graphiql`, { viewport: { width: 1400, height: 900 } });
    await page.locator(".graphiql-editor-tool").getByText("Bearer").waitFor();
    await page.evaluate((text) => sessionStorage.setItem("pulsegate.token", text), sign({ sub: OWNER, exp: inSeconds(600) }, SECRET));
    // GraphiQL keeps its tabs, with their headers; another window begins anew.
    await page.evaluate(() => localStorage.clear());
    await page.reload();
    await page.getByRole("tab", { name: "LiveEvent" }).click();
    // The editor reads the operations of another tab only after a pause.
    await page.waitForTimeout(1_000);
    await page.locator(".graphiql-execute-button").click();
    const answer = () => page.locator(".result-window .view-lines").innerText();
    expect(await eventually(answer, (text) => text.includes('"SNAPSHOT"'))).toContain('"SNAPSHOT"');
    await page.context().close();
  });

  it("says so when a token ends while the page is open", async () => {
    const { page } = await open(browser, `${GUARDED}/`, { locale: "ko-KR" });
    const token = sign({ sub: OWNER, role: "admin", exp: inSeconds(5) }, SECRET);
    await page.evaluate((text) => sessionStorage.setItem("pulsegate.token", text), token);
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "사용할 수 없는 토큰입니다" }).waitFor();
    // Nothing of what the token showed is left.
    expect(await page.locator(".connection, .tile").count()).toBe(0);
    await page.context().close();
  });
});
