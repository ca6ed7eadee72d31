use serde_json::{Value, json};
use tests::clients::socket::Socket;
use tests::testbed::{Pulsegate, Role, Testbed};

use super::{metric, refusal, register, update_of};
use crate::gateway::counter::Counter;
use crate::gateway::fill;

const VIEWERS: usize = 40;

const CHART: &str = "
subscription ($event: ID!, $after: String) {
  timelineUpdated(eventId: $event, granularity: HOUR, after: $after, minInterval: \"PT0.05S\") {
    kind revision coalesced totalParticipants cursor points { start participants cumulativeParticipants isPartial }
  }
}";
const EVENT: &str = "
subscription ($event: ID!, $after: String) {
  eventUpdated(eventId: $event, after: $after, minInterval: \"PT0.05S\") {
    kind revision coalesced cursor
    event { totalParticipants roi { costPerParticipant } channels { channelName participants } }
  }
}";
const USER: &str = "
subscription ($user: ID!, $after: String) {
  userUpdated(userId: $user, after: $after, minInterval: \"PT0.05S\") {
    kind coalesced cursor user { totalParticipants events { nodes { eventId totalParticipants } } }
  }
}";

/// The update of a commit: that of a bucket that ends at this very moment may come first.
async fn delta(socket: &mut Socket, field: &str, participants: &Value) -> Value {
    loop {
        let update = update_of(socket, field).await;
        assert_eq!(update["kind"], "DELTA", "{update}");
        let shown = [
            &update["totalParticipants"],
            &update["event"]["totalParticipants"],
            &update["user"]["totalParticipants"],
        ];
        if shown.contains(&participants) {
            return update;
        }
        assert_eq!(update["coalesced"], 0, "{update}");
    }
}

/// Opens the same subscription so many times, and has their snapshots.
async fn open(gateway: &Pulsegate, document: &str, field: &str, variables: &Value) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for number in 0..VIEWERS {
        let mut socket = gateway.socket().await.unwrap();
        // Every client names its operations as it likes.
        socket.subscribe(&format!("operation {number}"), document, variables.clone()).await.unwrap();
        assert_eq!(update_of(&mut socket, field).await["kind"], "SNAPSHOT");
        sockets.push(socket);
    }
    sockets
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_follow_is_read_and_executed_once() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let counter = Counter::before(&testbed).await;
    let gateway = testbed.start_with(Role::Serve, &[("DATABASE_URL", &counter.url)]).await.unwrap();
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    let user = testbed.id("user", 0);

    let mut participants = 3;
    for (document, field, variables, most) in [
        (CHART, "timelineUpdated", json!({ "event": event }), 8),
        (EVENT, "eventUpdated", json!({ "event": event }), 8),
        (USER, "userUpdated", json!({ "user": user }), 10),
    ] {
        let mut sockets = open(&gateway, document, field, &variables).await;
        let executions = metric(gateway.base(), "pulsegate_live_executions_total").await;
        let statements = counter.executed();
        participants += 1;
        register(&testbed, &event, participants).await;
        let mut cursor = Value::Null;
        for socket in &mut sockets {
            let delta = delta(socket, field, &json!(participants)).await;
            assert_eq!(delta["coalesced"], 1, "{delta}");
            if let Some(points) = delta["points"].as_array() {
                assert!(points.len() <= 2, "only what changed: {delta}");
                assert_eq!(points.last().unwrap()["cumulativeParticipants"], participants);
            }
            cursor = delta["cursor"].clone();
        }
        let statements = counter.executed() - statements;
        assert!(statements <= most, "{field}: {statements} statements for {VIEWERS} viewers of one update");
        let executions = metric(gateway.base(), "pulsegate_live_executions_total").await - executions;
        // An hour may have ended.
        assert!((1.0..=2.0).contains(&executions), "{field}: {executions} executions");

        // Who comes back with a cursor is in step with the others from the next update on.
        let mut variables = variables.clone();
        variables["after"] = cursor;
        let mut again = gateway.socket().await.unwrap();
        again.subscribe("again", document, variables).await.unwrap();
        participants += 1;
        register(&testbed, &event, participants).await;
        for socket in sockets.iter_mut().chain([&mut again]) {
            delta(socket, field, &json!(participants)).await;
        }
        let executions = metric(gateway.base(), "pulsegate_live_executions_total").await;
        participants += 1;
        register(&testbed, &event, participants).await;
        for socket in sockets.iter_mut().chain([&mut again]) {
            delta(socket, field, &json!(participants)).await;
        }
        let executions = metric(gateway.base(), "pulsegate_live_executions_total").await - executions;
        assert!((1.0..=2.0).contains(&executions), "{field}: {executions} executions after a resume");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_goes_on_where_it_was_given_out_on_any_replica() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let one = testbed.start(Role::Serve).await.unwrap();
    let other = testbed.start_with(Role::Serve, &[("LIVE_RESUME_WINDOW", "4s")]).await.unwrap();
    let _consumer = testbed.start(Role::Consume).await.unwrap();

    for (document, field, variables, revision) in [
        (CHART, "timelineUpdated", json!({ "event": event }), 1),
        (EVENT, "eventUpdated", json!({ "event": event }), 2),
        (USER, "userUpdated", json!({ "user": testbed.id("user", 0) }), 3),
    ] {
        let mut socket = one.socket().await.unwrap();
        socket.subscribe("chart", document, variables.clone()).await.unwrap();
        let snapshot = update_of(&mut socket, field).await;
        drop(socket);
        let mut resumed = variables.clone();
        resumed["after"] = snapshot["cursor"].clone();
        let mut again = other.socket().await.unwrap();
        again.subscribe("chart", document, resumed.clone()).await.unwrap();
        register(&testbed, &event, revision).await;
        let missed = delta(&mut again, field, &json!(revision + 3)).await;
        assert_eq!(missed["coalesced"], 1, "{missed}");

        // Of nobody, changed, too old.
        for after in [json!("bogus"), json!(snapshot["cursor"].as_str().unwrap()[4..])] {
            let mut foreign = variables.clone();
            foreign["after"] = after;
            again.subscribe("foreign", document, foreign).await.unwrap();
            assert_eq!(refusal(&mut again).await, "RESYNC_REQUIRED");
            again.next().await.unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        let mut old = other.socket().await.unwrap();
        old.subscribe("old", document, resumed.clone()).await.unwrap();
        assert_eq!(refusal(&mut old).await, "RESYNC_REQUIRED");
        // The other one's window is wider.
        let mut old = one.socket().await.unwrap();
        old.subscribe("old", document, resumed).await.unwrap();
        delta(&mut old, field, &json!(revision + 3)).await;
    }
}

const QUERIED: &str = "
query ($event: ID!) {
  event(eventId: $event) { timeline(granularity: HOUR, range: { from: \"2026-01-05T00:00:00Z\", to: \"2026-01-05T06:00:00Z\" }) {
    cursor points { start }
  } }
}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queried_timeline_is_gone_on_with_and_what_it_does_not_show_is_sent() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let data = gateway.graphql().unwrap().data(QUERIED, json!({ "event": event })).await.unwrap();
    let cursor = &data["event"]["timeline"]["cursor"];
    let mut socket = gateway.socket().await.unwrap();
    let ranged = CHART
        .replace("granularity: HOUR", "granularity: HOUR, range: $range")
        .replace("$after: String", "$after: String, $range: TimeRangeInput");
    let range = json!({ "from": "2026-01-05T03:00:00Z", "to": "2026-01-05T08:00:00Z" });
    let variables = json!({ "event": event, "after": cursor, "range": range });
    socket.subscribe("chart", &ranged, variables).await.unwrap();
    let delta = update_of(&mut socket, "timelineUpdated").await;
    let starts: Vec<_> =
        delta["points"].as_array().unwrap().iter().map(|point| point["start"].as_str().unwrap()).collect();
    assert_eq!((&delta["kind"], &delta["coalesced"]), (&json!("DELTA"), &json!(0)), "{delta}");
    assert_eq!(starts, ["2026-01-05T06:00:00Z", "2026-01-05T07:00:00Z"]);
}
