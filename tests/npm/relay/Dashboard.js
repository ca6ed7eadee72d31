import { graphql } from "relay-runtime";

export const dashboard = graphql`
  query DashboardQuery($eventId: ID!, $ids: [ID!]!) {
    ...EventList_query
    event(eventId: $eventId) {
      ...EventCard_event
    }
    viewer {
      ...EventList_user
    }
    nodes(ids: $ids) {
      __typename
      ...EventCard_event @alias(as: "card")
    }
  }
`;

export const live = graphql`
  subscription DashboardLiveSubscription($eventId: ID!, $after: String) {
    eventUpdated(eventId: $eventId, after: $after) {
      cursor
      event {
        ...EventCard_event
      }
    }
  }
`;
