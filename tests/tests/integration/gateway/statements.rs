use futures_util::future::join_all;
use sea_orm::sqlx;
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::testbed::{Role, Testbed};

use super::counter::Counter;
use super::fill;

/// Everything that a list of events can be asked for, on all levels.
const LIST: &str = "
query ($events: [ID!], $first: Int!) {
  events(filter: { eventIds: $events }, first: $first, orderBy: { field: ROI, direction: ASC }) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id title roi { roi distributionCost costPerConversion }
      freshness { source } channels { channelName costPerParticipant participantShare freshness { isStale } }
      channel(channelName: \"인스타그램\") { clicks }
      funnel { steps { count fromPrevious } }
      timeline(granularity: HOUR, timeZone: \"Asia/Seoul\", compareTo: PREVIOUS_PERIOD,
               range: { from: \"2026-01-05T00:00:00Z\", to: \"2026-01-05T12:00:00Z\" }) {
        totals { participants } comparison { participantsChange } trend { direction }
        points { start participants cumulativeParticipants compared { participants } }
      }
      daily: timeline(granularity: DAY, timeZone: \"America/New_York\", fillGaps: false) { totals { views } }
    }
  }
}";

/// A dashboard page's whole need in one query.
const DASHBOARD: &str = "
query ($event: ID!) {
  event(eventId: $event) {
    title status totalParticipants totalViews roi { roi netProfit targetAchievement distributionCost }
    freshness { asOf source isStale breaker }
    channels { channelName participants clickThroughRate costPerParticipant freshness { isStale breaker } }
    timeline(granularity: DAY, range: { from: \"2025-12-20T00:00:00Z\", to: \"2026-01-19T00:00:00Z\" },
             timeZone: \"Asia/Seoul\", compareTo: PREVIOUS_PERIOD) {
      totals { participants views } comparison { participantsChange } points { start participants compared { views } }
    }
  }
}";

/// All of a user's events, without anything about the user.
const EVENTS: &str = "
query ($user: ID!) {
  user(userId: $user) { userId events(first: 10) { nodes {
    title roi { distributionCost } funnel { steps { count } } channels { channelName participants } } } }
}";

async fn during(counter: &Counter, client: &GraphQl, query: &str, variables: Value) -> (i64, Value) {
    let before = counter.executed();
    let data = client.data(query, variables).await.unwrap();
    (counter.executed() - before, data)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_statements_does_not_depend_on_the_number_of_parents() {
    let testbed = Testbed::new().await.unwrap();
    let ids = fill(&testbed, 45).await;
    let counter = Counter::before(&testbed).await;
    let gateway = testbed.start_with(Role::Serve, &[("DATABASE_URL", &counter.url)]).await.unwrap();
    let client = gateway.graphql().unwrap();
    // What is read once in a process's life is none of a query's business.
    client.data(DASHBOARD, json!({ "event": ids[0] })).await.unwrap();
    // Of other events each time, so that no cache has them.
    let (few, data) = during(&counter, &client, LIST, json!({ "events": ids[1..3], "first": 41 })).await;
    assert_eq!(data["events"]["nodes"].as_array().unwrap().len(), 2);
    let (many, data) = during(&counter, &client, LIST, json!({ "events": ids[3..44], "first": 41 })).await;
    assert_eq!(data["events"]["nodes"].as_array().unwrap().len(), 41);
    assert_eq!(data["events"]["totalCount"], 41);
    assert_eq!(data["events"]["nodes"][40]["timeline"]["totals"]["participants"], 3);
    assert_eq!(few, many, "statements for 2 events and for 41");

    let (page, _) = during(&counter, &client, DASHBOARD, json!({ "event": ids[44] })).await;
    // The event with its channels, its days, and those before.
    assert_eq!(page, 3, "statements for a dashboard page");
    let (again, _) = during(&counter, &client, DASHBOARD, json!({ "event": ids[44] })).await;
    assert_eq!(again, 0, "a page that is cached");

    drop(gateway);
    let uncached = [("DATABASE_URL", counter.url.as_str()), ("CACHE", "off")];
    let gateway = testbed.start_with(Role::Serve, &uncached).await.unwrap();
    let client = gateway.graphql().unwrap();
    let user = json!({ "user": testbed.id("user", 0) });
    client.data(EVENTS, user.clone()).await.unwrap();
    let (events, data) = during(&counter, &client, EVENTS, user).await;
    assert!(!data["user"]["events"]["nodes"].as_array().unwrap().is_empty());
    assert_eq!(events, 1, "statements for a user's events with their channels");
}

/// While the database is busy, those who ask are read for together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_at_once_are_answered_by_few_statements() {
    const ASKING: usize = 60;
    const EVENT: &str = "query ($event: ID!) { event(eventId: $event) { eventId title channels { views } \
        timeline(granularity: HOUR, range: { from: \"2026-01-05T00:00:00Z\", to: \"2026-01-05T12:00:00Z\" }) { \
        totals { participants } } } }";
    let testbed = Testbed::new().await.unwrap();
    let ids = fill(&testbed, ASKING).await;
    let counter = Counter::before(&testbed).await;
    let variables = [("DATABASE_URL", counter.url.as_str()), ("CACHE", "off")];
    let gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let client = gateway.graphql().unwrap();
    client.data(EVENT, json!({ "event": ids[0] })).await.unwrap();
    let before = counter.executed();
    let mut locked = testbed.database().begin().await.unwrap();
    sqlx::query("LOCK TABLE event_stats IN ACCESS EXCLUSIVE MODE").execute(&mut *locked).await.unwrap();
    let unlock = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        locked.rollback().await.unwrap();
    };
    let asked = join_all(ids.iter().map(|id| client.data(EVENT, json!({ "event": id }))));
    let (answers, ()) = tokio::join!(asked, unlock);
    for (id, answer) in ids.iter().zip(answers) {
        let event = &answer.unwrap()["event"];
        assert_eq!(
            (event["eventId"].as_str(), event["channels"].as_array().map(Vec::len)),
            (Some(id.as_str()), Some(2))
        );
        assert_eq!(event["timeline"]["totals"]["participants"], 3);
    }
    // One by one they would be two for each.
    let statements = counter.executed() - before;
    assert!(statements <= 40, "{statements} statements for {ASKING} who ask at once");
}
