// Tools that make code out of a schema and documents take ours.
import { codegen } from "@graphql-codegen/core";
import * as typedDocuments from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { buildSchema, parse, validateSchema } from "graphql";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { documentFiles, schemaFile, schemaText, scratch } from "../repository.mjs";

const packages = join(import.meta.dirname, "..", "node_modules");

/** What the scalars are in JSON. */
const scalars = { DateTime: "string", Decimal: "string", Duration: "string", ID: "string", Long: "number", TimeZone: "string" };

test("graphql-js takes the schema", () => {
  assert.deepEqual(validateSchema(buildSchema(schemaText)), []);
});

test("GraphQL Code Generator writes types that TypeScript takes, of every document", async () => {
  const file = join(scratch("codegen"), "operations.ts");
  writeFileSync(
    file,
    await codegen({
      filename: file,
      schema: parse(schemaText),
      documents: documentFiles.map((location) => ({ location, document: parse(readFileSync(location, "utf8")) })),
      plugins: [{ operations: {} }, { documents: {} }],
      pluginMap: { operations, documents: typedDocuments },
      config: { scalars, strictScalars: true, useTypeImports: true },
    }),
  );
  const program = ts.createProgram([file], {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  });
  const faults = ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  assert.deepEqual(faults, []);
});

test("Relay's compiler takes connections, refetching, pagination and subscriptions", () => {
  const folder = scratch("relay");
  cpSync(join(import.meta.dirname, "..", "relay"), join(folder, "src"), { recursive: true });
  const config = { src: "./src", schema: "./schema.graphql", language: "javascript", artifactDirectory: "./src/artifacts", eagerEsModules: true };
  mkdirSync(join(folder, "src", "artifacts"));
  cpSync(schemaFile, join(folder, "schema.graphql"));
  writeFileSync(join(folder, "relay.config.json"), JSON.stringify(config));
  execFileSync("node", [join(packages, "relay-compiler", "cli.js"), "relay.config.json"], { cwd: folder, stdio: "pipe" });
  for (const artifact of ["DashboardQuery", "EventListPaginationQuery", "EventCardRefetchQuery", "DashboardLiveSubscription"]) {
    assert.ok(existsSync(join(folder, "src", "artifacts", `${artifact}.graphql.js`)), artifact);
  }
});
