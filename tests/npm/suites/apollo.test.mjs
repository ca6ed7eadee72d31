// Apollo Client against the gateway: its cache, its pages and its persisted queries.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { relayStylePagination } from "@apollo/client/utilities";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { eventId, graphqlUrl } from "../gateway.mjs";

const introspection = gql`
  query PossibleTypes {
    __schema {
      types {
        kind
        name
        possibleTypes {
          name
        }
      }
    }
  }
`;

const page = gql`
  query Page($count: Int!, $after: String) {
    events(first: $count, after: $after, orderBy: { field: TITLE, direction: ASC }) {
      edges {
        node {
          id
          title
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

const one = gql`
  query One($eventId: ID!) {
    event(eventId: $eventId) {
      id
      title
      totalParticipants
      channels {
        id
        channelName
        participantShare
      }
    }
  }
`;

const again = gql`
  query Again($id: ID!) {
    node(id: $id) {
      id
      ... on EventAnalytics {
        title
        roi {
          roi
        }
      }
    }
  }
`;

async function possibleTypes() {
  const client = new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri: graphqlUrl }) });
  const { data } = await client.query({ query: introspection });
  const abstract = data.__schema.types.filter(({ possibleTypes }) => possibleTypes !== null);
  return Object.fromEntries(abstract.map(({ name, possibleTypes }) => [name, possibleTypes.map(({ name }) => name)]));
}

function clientOf(types, ...links) {
  const cache = new InMemoryCache({
    possibleTypes: types,
    typePolicies: { Query: { fields: { events: relayStylePagination(["filter", "orderBy"]) } } },
  });
  return new ApolloClient({ cache, link: ApolloLink.from([...links, new HttpLink({ uri: graphqlUrl })]) });
}

test("its cache knows everything by its id", async () => {
  const types = await possibleTypes();
  assert.deepEqual(types.Node.toSorted(), ["ChannelAnalytics", "EventAnalytics", "UserAnalytics"]);
  const client = clientOf(types);
  const { data } = await client.query({ query: one, variables: { eventId } });
  assert.ok(data.event.channels.length > 1);
  const { data: same } = await client.query({ query: again, variables: { id: data.event.id } });
  assert.equal(same.node.title, data.event.title);
  // One record, whatever it was asked by.
  const record = client.cache.extract()[`EventAnalytics:${data.event.id}`];
  assert.equal(record.totalParticipants, data.event.totalParticipants);
  assert.match(record.roi.roi, /^-?\d+\.\d\d$/);
});

test("its pages go together", async () => {
  const client = clientOf(await possibleTypes());
  const variables = { count: 1 };
  const query = client.watchQuery({ query: page, variables });
  const following = query.subscribe({});
  const merged = async () => (await client.query({ query: page, variables })).data.events;
  for (let pages = 1; pages < 3; pages += 1) {
    const { pageInfo } = await merged();
    assert.ok(pageInfo.hasNextPage);
    await query.fetchMore({ variables: { after: pageInfo.endCursor } });
  }
  const titles = (await merged()).edges.map(({ node }) => node.title);
  following.unsubscribe();
  assert.equal(titles.length, 3);
  assert.deepEqual(titles, titles.toSorted());
});

test("it sends a text once and its hash from then on", async () => {
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  const sent = [];
  const spy = new HttpLink({
    uri: graphqlUrl,
    fetch: (url, options) => {
      sent.push(JSON.parse(options.body));
      return fetch(url, options);
    },
  });
  const persisted = () => new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from([new PersistedQueryLink({ sha256 }), spy]) });
  // A document that no other run has sent.
  const fresh = gql(`query Fresh${process.pid}x${Date.now()} { metrics { name } }`);
  for (const client of [persisted(), persisted()]) {
    const { data } = await client.query({ query: fresh });
    assert.ok(data.metrics.length > 10);
  }
  assert.deepEqual(sent.map(({ query }) => query !== undefined), [false, true, false]);
});
