// The rules that @graphql-eslint recommends, over the schema and over every document.
import plugin from "@graphql-eslint/eslint-plugin";
import { ESLint } from "eslint";
import assert from "node:assert/strict";
import { relative } from "node:path";
import { before, describe, test } from "node:test";
import { documentFiles, root, schemaFile } from "../repository.mjs";

// Types that are parts of others: nobody asks for them by themselves, so they have no id.
const parts = [
  "ChannelRanking", "ChannelRankingRow", "ChannelRefresh", "EventConnection", "EventEdge", "EventUpdate", "Forecast",
  "Freshness", "Funnel", "FunnelStep", "Metric", "PageInfo", "RateLimit", "RefreshEventPayload", "Roi", "Timeline",
  "TimelineComparison", "TimelinePoint", "TimelineTotals", "TimelineUpdate", "Trend", "UserUpdate",
];
// The rate is called what the domain calls it.
const accepted = ['Field "roi" starts with the name of the parent type "Roi"'];

const common = {
  languageOptions: {
    parser: plugin.parser,
    parserOptions: { graphQLConfig: { schema: schemaFile, documents: documentFiles } },
  },
  plugins: { "@graphql-eslint": plugin },
};
const schemaRules = {
  ...plugin.configs["flat/schema-recommended"].rules,
  "@graphql-eslint/strict-id-in-types": ["error", { exceptions: { types: parts } }],
};
const eslint = new ESLint({
  cwd: root,
  overrideConfigFile: true,
  overrideConfig: [
    { files: ["**/*.graphql"], ...common, rules: plugin.configs["flat/operations-recommended"].rules },
    { files: ["schema.graphql"], rules: Object.fromEntries(Object.keys(plugin.configs["flat/operations-recommended"].rules).map((rule) => [rule, "off"])) },
    { files: ["schema.graphql"], rules: schemaRules },
  ],
});

describe("@graphql-eslint's recommended rules", () => {
  let results;
  before(async () => {
    results = await eslint.lintFiles([schemaFile, ...documentFiles]);
  });
  test("are kept by the schema and by every document", () => {
    assert.equal(results.length, documentFiles.length + 1);
    const faults = results.flatMap(({ filePath, messages }) =>
      messages
        .filter(({ message }) => !accepted.includes(message))
        .map(({ line, message, ruleId }) => `${relative(root, filePath)}:${line} ${ruleId} ${message}`),
    );
    assert.deepEqual(faults, []);
  });
});
