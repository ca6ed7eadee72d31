// GraphQL over HTTP to the letter: the audits of the package graphql-http, against the running gateway.
import { serverAudits } from "graphql-http";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { graphqlUrl } from "../gateway.mjs";

const audits = serverAudits({ url: graphqlUrl, fetchFn: fetch });

describe("graphql-http's audits", () => {
  test("there are 61 of them", () => assert.equal(audits.length, 61));
  for (const audit of audits) {
    test(`${audit.id}: ${audit.name}`, async () => {
      const { status, reason } = await audit.fn();
      // A warning or a notice is as good as an error.
      assert.equal(status, "ok", reason);
    });
  }
});
