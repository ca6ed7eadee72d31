use serde_json::{Value, json};
use service::clock::{Clock as _, SystemClock};
use tests::clients::socket::{Frame, Socket};
use tests::testbed::{Role, Testbed};

use super::counter::Counter;
use super::fill;

const VIEWERS: usize = 40;

const CHART: &str = "
subscription ($event: ID!, $after: String) {
  timelineUpdated(eventId: $event, granularity: HOUR, after: $after, minInterval: \"PT0.05S\") {
    kind revision coalesced totalParticipants cursor points { start participants cumulativeParticipants isPartial }
  }
}";

async fn update(socket: &mut Socket) -> Value {
    match socket.next().await.unwrap() {
        Frame::Next { mut payload, .. } if payload.get("errors").is_none() => {
            payload["data"]["timelineUpdated"].take()
        }
        other => panic!("{other:?}"),
    }
}

async fn register(testbed: &Testbed, event: &str, number: usize) {
    let line =
        json!({ "messageId": testbed.id("m", number), "occurredAt": SystemClock.now(), "eventId": event });
    testbed.kcat().produce(&testbed.topics().participant_registered, event, &line.to_string()).await.unwrap();
}

/// The last update of a commit: a bucket that ends at this very moment may come first.
async fn update_of(socket: &mut Socket, revision: i64) -> Value {
    loop {
        let update = update(socket).await;
        assert_eq!(update["kind"], "DELTA", "{update}");
        assert!(update["revision"].as_i64().unwrap() <= revision, "{update}");
        if update["revision"] == revision {
            return update;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_of_one_chart_share_its_reads_and_resume_where_they_were() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let counter = Counter::before(&testbed).await;
    let gateway = testbed.start_with(Role::Serve, &[("DATABASE_URL", &counter.url)]).await.unwrap();
    let _consumer = testbed.start(Role::Consume).await.unwrap();

    let mut sockets = Vec::new();
    for _ in 0..VIEWERS {
        let mut socket = gateway.socket().await.unwrap();
        socket.subscribe("chart", CHART, json!({ "event": event })).await.unwrap();
        let snapshot = update(&mut socket).await;
        assert_eq!((&snapshot["kind"], &snapshot["revision"]), (&json!("SNAPSHOT"), &json!(1)));
        assert_eq!(snapshot["points"].as_array().unwrap().len(), 60);
        sockets.push(socket);
    }

    let before = counter.executed();
    register(&testbed, &event, 1).await;
    let mut cursor = Value::Null;
    for socket in &mut sockets {
        let delta = update_of(socket, 2).await;
        let points = delta["points"].as_array().unwrap();
        assert!(points.len() <= 2, "only what changed: {delta}");
        assert_eq!(points.last().unwrap()["cumulativeParticipants"], 4);
        assert_eq!((&delta["totalParticipants"], &delta["coalesced"]), (&json!(4), &json!(1)));
        cursor = delta["cursor"].clone();
    }
    let statements = counter.executed() - before;
    assert!(statements <= 8, "{statements} statements for {VIEWERS} viewers of one update");

    drop(sockets);
    register(&testbed, &event, 2).await;
    register(&testbed, &event, 3).await;
    let mut again = gateway.socket().await.unwrap();
    again.subscribe("chart", CHART, json!({ "event": event, "after": cursor })).await.unwrap();
    let missed = update_of(&mut again, 4).await;
    assert_eq!(missed["totalParticipants"], 6);

    let mut foreign = gateway.socket().await.unwrap();
    foreign.subscribe("chart", CHART, json!({ "event": event, "after": "bogus" })).await.unwrap();
    let answer = match foreign.next().await.unwrap() {
        Frame::Next { payload, .. } => payload["errors"].clone(),
        Frame::Error { payload, .. } => payload,
        Frame::Complete { .. } => panic!("a cursor of somebody else is refused"),
    };
    assert_eq!(answer[0]["extensions"]["code"], "RESYNC_REQUIRED", "{answer}");
}
