// The schema, and every document that this repository sends or shows somebody.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

export const root = join(import.meta.dirname, "..", "..");
export const schemaFile = join(root, "schema.graphql");
export const schemaText = readFileSync(schemaFile, "utf8");

const generated = join(import.meta.dirname, "generated");

/** A fresh folder for what a test writes. */
export function scratch(name) {
  const folder = join(generated, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The documents in the pages and in the descriptions of the schema, each as a file. */
function shown() {
  const pages = ["README.md", "schema.graphql", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];
  // The suites run side by side.
  const folder = scratch(join("shown", basename(process.argv[1])));
  return pages
    .filter((page) => /\.(md|graphql)$/.test(page))
    .flatMap((page) => {
      const blocks = [...readFileSync(join(root, page), "utf8").matchAll(/^ *```graphql\n(.*?)^ *```$/gms)];
      return blocks.map(([, text], index) => {
        const file = join(folder, `${page.replaceAll("/", "-")}-${index + 1}.graphql`);
        writeFileSync(file, text);
        return file;
      });
    });
}

/** The documents of the dashboard and of GraphiQL's tabs. */
function sent() {
  const folder = join(root, "web", "src");
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".graphql"))
    .map((name) => join(folder, name));
}

export const documentFiles = [...shown(), ...sent()].toSorted();
