import { graphql } from "relay-runtime";

export const card = graphql`
  fragment EventCard_event on EventAnalytics
  @refetchable(queryName: "EventCardRefetchQuery")
  @argumentDefinitions(timeZone: { type: "TimeZone", defaultValue: "Asia/Seoul" }) {
    title
    totalParticipants
    roi {
      roi
    }
    channels(types: [TV, SNS]) {
      channelName
      participantShare
    }
    timeline(granularity: DAY, range: { last: "P7D" }, timeZone: $timeZone, compareTo: PREVIOUS_WEEK) {
      points {
        start
        participants
        compared {
          participants
        }
      }
    }
  }
`;
