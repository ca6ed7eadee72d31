import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

/** The gateway under test; it has to have events, and one that moves. */
export const gateway = process.env["PULSEGATE_URL"] ?? "http://127.0.0.1:8080";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: QUIET });
}

/** A page, and everything that it did which it must not: errors on the console, requests to elsewhere. */
export interface Watched {
  readonly page: Page;
  readonly offences: string[];
}

/** @param path of the gateway under test, or an address of another one */
export async function open(browser: Browser, path: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const address = new URL(path, gateway);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const offences: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") {
      offences.push(`console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => offences.push(`uncaught: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== address.origin) {
      offences.push(`request to ${url.origin}`);
    }
  });
  await page.goto(address.href);
  return { page, offences };
}

/** Findings of axe that are serious or worse, with the elements that they are about. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: { run: () => Promise<AxeResult> } }).axe.run());
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}`));
}

interface AxeResult {
  violations: { id: string; impact: string; nodes: { target: string[] }[] }[];
}

/** Polls until the answer satisfies, at most `milliseconds`. */
export async function eventually<Value>(read: () => Promise<Value>, satisfies: (value: Value) => boolean, milliseconds = 60_000): Promise<Value> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    // Each look depends on the one before.
    // oxlint-disable-next-line no-await-in-loop
    const value = await read();
    if (satisfies(value) || Date.now() > deadline) {
      return value;
    }
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** An event that runs, and that the demo moves: the largest. */
export async function findEvent(): Promise<string> {
  const found = await eventually(largestEvent, (eventId) => eventId !== "");
  if (found === "") {
    throw new Error(`${gateway} has no running event. Start it with its demo.`);
  }
  return found;
}

async function largestEvent(): Promise<string> {
  const response = await fetch(`${gateway}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      query: "{ events(first: 1, filter: { status: [ACTIVE] }, orderBy: { field: PARTICIPANTS, direction: DESC }) { nodes { eventId } } }",
    }),
  });
  const answer = (await response.json()) as { data: { events: { nodes: { eventId: string }[] } } };
  return answer.data.events.nodes[0]?.eventId ?? "";
}
