// Fails when the dashboard's first load is larger than its budget: everything that index.html names, compressed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 250;
const dist = join(import.meta.dirname, "..", "dist");
const page = readFileSync(join(dist, "index.html"), "utf8");
const files = ["index.html", ...[...page.matchAll(/(?:src|href)="\/(?<file>assets\/[^"]+)"/gu)].map((match) => match.groups?.file ?? "")];
const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file))).length, 0);
const kilobytes = bytes / 1024;
console.log(`first load: ${files.length} files, ${kilobytes.toFixed(1)} KB compressed of ${BUDGET_KB}`);
if (kilobytes > BUDGET_KB) {
  console.error("The first load is over its budget. Load what not every page needs on demand.");
  process.exit(1);
}
