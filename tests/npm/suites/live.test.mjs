// Clients of subscriptions, as their authors ship them: graphql-ws, graphql-sse, Apollo Client and urql.
import { ApolloClient, InMemoryCache, gql } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient as createEvents } from "graphql-sse";
import { createClient as createSockets } from "graphql-ws";
import assert from "node:assert/strict";
import { after, test } from "node:test";
import WebSocket from "ws";
import { base, graphqlUrl, liveEventId } from "../gateway.mjs";

const document = `
  subscription Chart($event: ID!, $after: String) {
    timelineUpdated(eventId: $event, after: $after, minInterval: "PT0.1S") {
      kind
      revision
      cursor
      totalParticipants
      points {
        start
        participants
        isPartial
      }
    }
  }
`;
const variables = { event: liveEventId };

const sockets = createSockets({ url: graphqlUrl.replace("http", "ws"), webSocketImpl: WebSocket });
after(() => sockets.dispose());

/** A snapshot and then a change: the window first, then only a few of its buckets. */
function check(updates) {
  const [snapshot, delta] = updates.map(({ data, errors }) => {
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data.timelineUpdated;
  });
  assert.deepEqual([snapshot.kind, delta.kind], ["SNAPSHOT", "DELTA"]);
  assert.equal(snapshot.points.length, 60);
  assert.ok(delta.points.length < 60, `${delta.points.length} points in a delta`);
  assert.ok(delta.revision >= snapshot.revision);
  assert.ok(delta.totalParticipants >= snapshot.totalParticipants);
}

async function firstTwo(results) {
  const updates = [];
  for await (const result of results) {
    updates.push(result);
    if (updates.length === 2) {
      break;
    }
  }
  return updates;
}

/** The first two of what comes to a callback. */
function taken(subscribe) {
  return new Promise((resolve, reject) => {
    const updates = [];
    const subscription = subscribe((result) => {
      updates.push(result);
      if (updates.length === 2) {
        resolve(updates);
        // Some call back before they have returned.
        setTimeout(() => subscription.unsubscribe());
      }
    }, reject);
  });
}

test("graphql-ws follows a chart, and goes on from a cursor", async () => {
  const updates = await firstTwo(sockets.iterate({ query: document, variables }));
  check(updates);
  const cursor = updates[1].data.timelineUpdated.cursor;
  const [next] = await firstTwo(sockets.iterate({ query: document, variables: { ...variables, after: cursor } }));
  assert.equal(next.data.timelineUpdated.kind, "DELTA");
});

test("graphql-ws asks over the socket too, and hears what is wrong", async () => {
  const answers = [];
  for await (const answer of sockets.iterate({ query: "{ __typename }" })) {
    answers.push(answer);
  }
  assert.deepEqual(answers, [{ data: { __typename: "Query" } }]);
  await assert.rejects(sockets.iterate({ query: "{ nothing }" }).next(), (errors) => {
    assert.equal(errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
    return true;
  });
  const foreign = await sockets.iterate({ query: document, variables: { ...variables, after: "bogus" } }).next();
  assert.equal(foreign.value.errors[0].extensions.code, "RESYNC_REQUIRED");
});

test("graphql-sse follows a chart", async () => {
  const events = createEvents({ url: `${base}/graphql/stream` });
  check(await firstTwo(events.iterate({ query: document, variables })));
  const answers = [];
  for await (const answer of events.iterate({ query: "{ __typename }" })) {
    answers.push(answer);
  }
  assert.deepEqual(answers, [{ data: { __typename: "Query" } }]);
  events.dispose();
});

test("Apollo Client follows a chart", async () => {
  const client = new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(sockets) });
  const following = client.subscribe({ query: gql(document), variables });
  check(await taken((next, error) => following.subscribe({ next, error })));
  client.stop();
});

test("urql follows a chart", async () => {
  const forwardSubscription = ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables }, sink) }),
  });
  const exchanges = [fetchExchange, subscriptionExchange({ forwardSubscription })];
  const client = new Client({ url: graphqlUrl, exchanges, preferGetMethod: false });
  const updates = await taken((next) => client.subscription(document, variables).subscribe(next));
  check(updates.map(({ data, error }) => ({ data, errors: error?.graphQLErrors })));
});
