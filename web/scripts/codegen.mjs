// Writes src/gateway/generated/operations.ts: types and texts of the *.graphql documents under src, checked against
// the schema that the gateway prints. SCHEMA names another schema file. GraphiQL's examples are checked, not generated.
// Writes public/documents.json too: the texts as the dashboard sends them, which a gateway takes that takes no others.
import { codegen } from "@graphql-codegen/core";
import * as typedDocuments from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { buildSchema, parse, validate } from "graphql";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const web = join(import.meta.dirname, "..");
const schemaFile = process.env.SCHEMA ?? join(web, "..", "schema.graphql");
const target = join(web, "src", "gateway", "generated", "operations.ts");
const manifest = join(web, "public", "documents.json");
const examples = join("src", "graphiql", "examples");

/** What the scalars of the schema are in JSON. */
const scalars = { DateTime: "string", Decimal: "string", Duration: "string", ID: "string", Long: "number", TimeZone: "string" };

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    console.error(`${file} is missing. Print it with \`pulsegate schema > schema.graphql\`, or name another file in SCHEMA.`);
    process.exit(1);
  }
}

const schema = buildSchema(read(schemaFile));
const documents = readdirSync(join(web, "src"), { recursive: true })
  .filter((name) => name.endsWith(".graphql"))
  .toSorted()
  .map((name) => ({ location: join("src", name), document: parse(read(join(web, "src", name))) }));

const isExample = ({ location }) => dirname(location) === examples;
const generated = documents.filter((source) => !isExample(source));
const faults = documents.filter(isExample).flatMap(({ location, document }) => validate(schema, document).map((fault) => `${location}: ${fault.message}`));
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}

const output = await codegen({
  filename: target,
  schema: parse(read(schemaFile)),
  schemaAst: schema,
  documents: generated,
  plugins: [{ operations: {} }, { documents: {} }],
  pluginMap: { operations, documents: typedDocuments },
  config: {
    documentMode: "string",
    enumType: "string-literal",
    enumsAsTypes: true,
    scalars,
    skipTypename: true,
    useTypeImports: true,
    strictScalars: true,
  },
});
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, output);
const texts = [...output.matchAll(/new TypedDocumentString\(`([^`]*)`/g)].map(([, text]) => text);
const sent = texts.filter((text) => /^\s*(query|subscription|mutation)\b/.test(text));
mkdirSync(dirname(manifest), { recursive: true });
writeFileSync(manifest, JSON.stringify(Object.fromEntries(sent.map((text, index) => [`dashboard-${index + 1}`, text]))));
console.log(`${relative(web, target)}: ${generated.length} documents; ${documents.length - generated.length} examples are valid`);
