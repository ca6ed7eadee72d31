use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use service::clock::{Clock as _, SystemClock};
use tests::clients::events::Events;
use tests::clients::socket::{Frame, Socket};
use tests::testbed::{Role, Testbed};
use tokio::time::timeout;

use super::{describe, refusal, register, update_of};
use crate::gateway::fill;

const SECRET: &str = "a secret that only tests know, 32+";
const QUIET: Duration = Duration::from_millis(1_500);

const CHART: &str = "subscription ($event: ID!) {
  timelineUpdated(eventId: $event) { kind totalParticipants points { start end participants isPartial } }
}";
const EVENT: &str = "subscription ($event: ID!, $after: String) {
  eventUpdated(eventId: $event, after: $after) { kind cursor event { title totalParticipants } }
}";
const USER: &str =
    "subscription ($user: ID!) { userUpdated(userId: $user) { kind user { eventCount totalParticipants } } }";

fn token(user: &str, seconds: i64) -> String {
    let claims = json!({ "sub": user, "exp": SystemClock.now().timestamp() + seconds });
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_yet_is_followed_as_soon_as_it_is() {
    let testbed = Testbed::new().await.unwrap();
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    let (event, user) = (testbed.id("evt", 0), testbed.id("user", 0));
    let mut chart = gateway.socket().await.unwrap();
    chart.subscribe("chart", CHART, json!({ "event": event })).await.unwrap();
    let mut whole = gateway.socket().await.unwrap();
    whole.subscribe("event", EVENT, json!({ "event": event })).await.unwrap();
    let mut wall = gateway.socket().await.unwrap();
    wall.subscribe("user", USER, json!({ "user": user })).await.unwrap();
    let nothing = update_of(&mut wall, "userUpdated").await;
    assert_eq!(nothing["user"], json!({ "eventCount": 0, "totalParticipants": 0 }));

    // Who registers before the event is described is counted, and not shown.
    register(&testbed, &event, 1).await;
    assert!(timeout(QUIET, chart.next()).await.is_err(), "shown before it is described");
    describe(&testbed, &event, &user).await;
    let snapshot = update_of(&mut chart, "timelineUpdated").await;
    assert_eq!((&snapshot["kind"], &snapshot["totalParticipants"]), (&json!("SNAPSHOT"), &json!(1)));
    assert_eq!(snapshot["points"].as_array().unwrap().len(), 60);
    assert_eq!(update_of(&mut whole, "eventUpdated").await["event"]["totalParticipants"], 1);
    assert_eq!(update_of(&mut wall, "userUpdated").await["user"]["eventCount"], 1);

    // A minute that ends while nobody writes is told to be over.
    let is_partial = |update: &Value| -> Vec<(String, bool)> {
        let points = update["points"].as_array().unwrap();
        points
            .iter()
            .map(|point| (point["start"].as_str().unwrap().to_owned(), point["isPartial"] == true))
            .collect()
    };
    let (running, _) = is_partial(&snapshot).pop().unwrap();
    let ended = timeout(Duration::from_secs(65), update_of(&mut chart, "timelineUpdated")).await.unwrap();
    let points = is_partial(&ended);
    assert_eq!(points.first(), Some(&(running, false)), "{ended}");
    assert_eq!(points.iter().map(|(_, partial)| *partial).collect::<Vec<_>>(), [false, true], "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_of_events_that_are_not_theirs() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let variables = [("AUTH", "jwt"), ("JWT_HS256_SECRET", SECRET)];
    let gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    let (owner, stranger) = (testbed.id("user", 0), testbed.id("user", 1));

    let mut strangers = Socket::connect_as(gateway.base(), &token(&stranger, 60)).await.unwrap();
    strangers.subscribe("user", USER, json!({ "user": owner })).await.unwrap();
    assert_eq!(refusal(&mut strangers).await, "FORBIDDEN");
    assert_eq!(strangers.next().await.unwrap(), Frame::Complete { id: "user".to_owned() });
    // What is somebody else's looks like what is not there.
    for (id, event) in [("foreign", event.as_str()), ("nothing", "nothing-here")] {
        strangers.subscribe(id, EVENT, json!({ "event": event })).await.unwrap();
        strangers.subscribe(&format!("{id} chart"), CHART, json!({ "event": event })).await.unwrap();
    }
    assert!(timeout(QUIET, strangers.next()).await.is_err(), "told of somebody else's event");

    let mut owners = Socket::connect_as(gateway.base(), &token(&owner, 60)).await.unwrap();
    owners.subscribe("event", EVENT, json!({ "event": event })).await.unwrap();
    let snapshot = update_of(&mut owners, "eventUpdated").await;
    strangers
        .subscribe("stolen", EVENT, json!({ "event": event, "after": snapshot["cursor"] }))
        .await
        .unwrap();
    assert_eq!(refusal(&mut strangers).await, "FORBIDDEN");
    assert_eq!(strangers.next().await.unwrap(), Frame::Complete { id: "stolen".to_owned() });

    // The event is handed over: what the one followed ends, what the other waited for begins.
    describe(&testbed, &event, &stranger).await;
    assert_eq!(refusal(&mut owners).await, "FORBIDDEN");
    let mut begun = Vec::new();
    for _ in 0..2 {
        match strangers.next().await.unwrap() {
            Frame::Next { id, payload } if payload.get("errors").is_none() => begun.push(id),
            other => panic!("{other:?}"),
        }
    }
    begun.sort();
    assert_eq!(begun, ["foreign", "foreign chart"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stops_sends_its_clients_elsewhere() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let mut gateway = testbed.start(Role::Serve).await.unwrap();
    let mut socket = gateway.socket().await.unwrap();
    socket.subscribe("event", EVENT, json!({ "event": event })).await.unwrap();
    update_of(&mut socket, "eventUpdated").await;
    let mut events = Events::open(gateway.base(), EVENT, &json!({ "event": event }), None).await.unwrap();
    events.next().await.unwrap();

    let stopped = tokio::task::spawn_blocking(move || gateway.terminate().unwrap());
    let goodbye = socket.next().await.unwrap_err().to_string();
    assert!(goodbye.contains("Restart"), "{goodbye}");
    assert!(events.next().await.is_err(), "completed, so that its client would not connect again");
    assert!(stopped.await.unwrap().success());
}
