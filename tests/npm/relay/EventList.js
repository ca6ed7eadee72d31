import { graphql } from "relay-runtime";

export const list = graphql`
  fragment EventList_query on Query
  @refetchable(queryName: "EventListPaginationQuery")
  @argumentDefinitions(
    count: { type: "Int", defaultValue: 10 }
    cursor: { type: "String" }
    filter: { type: "EventFilter" }
  ) {
    events(first: $count, after: $cursor, filter: $filter, orderBy: { field: PARTICIPANTS })
      @connection(key: "EventList_events") {
      edges {
        node {
          ...EventCard_event
        }
      }
    }
  }
`;

export const owned = graphql`
  fragment EventList_user on UserAnalytics
  @refetchable(queryName: "EventListOwnedPaginationQuery")
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" }) {
    events(last: $count, before: $cursor) @connection(key: "EventList_owned_events") {
      edges {
        node {
          title
        }
      }
    }
  }
`;
