use std::time::Duration;

use anyhow::anyhow;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tests::clients::events::Events;
use tests::system::usage;
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;

use super::metric;
use crate::gateway::fill;

/// Names how many clients come and go.
const CYCLES: &str = "LIVE_CYCLES";
/// How many are there at once.
const AT_ONCE: usize = 20;
/// Percent by which the process may have grown.
const GROWTH: u64 = 5;
/// How often it may grow by more, until every pool is as large as it gets. What is left behind makes it grow each time.
const SETTLES_WITHIN: usize = 3;

const CHART: &str = "subscription ($event: ID!) {
  timelineUpdated(eventId: $event, granularity: HOUR) { kind points { start participants } }
}";
const EVENT: &str = "subscription ($event: ID!) { eventUpdated(eventId: $event) { event { title } } }";

/// Connects, subscribes and is gone, without a word, at a moment of its own.
async fn come_and_go(gateway: &Pulsegate, number: usize, event: &str) {
    let document = if number.is_multiple_of(2) { CHART } else { EVENT };
    // On one that is not there nothing ever comes.
    let (event, waits) = match number % 3 {
        0 => ("nothing-here", false),
        1 => (event, false),
        _ => (event, true),
    };
    let variables: Value = json!({ "event": event });
    if number.is_multiple_of(5) {
        let mut events = Events::open(gateway.base(), document, &variables, None).await.unwrap();
        if waits {
            events.next().await.unwrap();
        }
        return;
    }
    let mut socket = gateway.socket().await.unwrap();
    socket.subscribe("chart", document, variables).await.unwrap();
    if waits {
        socket.next().await.unwrap();
    }
}

async fn cycles(gateway: &Pulsegate, count: usize, event: &str) {
    stream::iter(0..count).for_each_concurrent(AT_ONCE, |number| come_and_go(gateway, number, event)).await;
}

async fn gauges(base: &str) -> [f64; 4] {
    let names =
        ["pulsegate_websockets", "pulsegate_event_streams", "pulsegate_live_followers", "pulsegate_tasks"];
    let mut values = [0.0; 4];
    for (value, name) in values.iter_mut().zip(names) {
        *value = metric(base, name).await;
    }
    values
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_a_quiet_stream_leaves_nothing_behind() {
    let count = std::env::var(CYCLES).map_or(2_000, |text| text.parse().unwrap());
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let before = gauges(gateway.base()).await;
    cycles(&gateway, count / 2, &event).await;
    let mut memory = usage::memory(gateway.id().unwrap()).unwrap();
    let mut rounds = 0;
    loop {
        cycles(&gateway, count, &event).await;
        rounds += 1;
        let after = usage::memory(gateway.id().unwrap()).unwrap();
        println!("{count} clients came and went: {memory} KiB before, {after} KiB after");
        if after * 100 <= memory * (100 + GROWTH) {
            break;
        }
        assert!(rounds < SETTLES_WITHIN, "grown from {memory} to {after} KiB by {count} clients, again");
        memory = after;
    }

    wait::until("all of it to be gone", Duration::from_secs(10), async || {
        let [sockets, streams, followers, tasks] = gauges(gateway.base()).await;
        let is_gone = sockets == 0.0 && streams == 0.0 && followers == 0.0 && tasks <= before[3] + 2.0;
        let state = anyhow!("{sockets} sockets, {streams} streams, {followers} followers, {tasks} tasks");
        Ok(if is_gone { Ok(()) } else { Err(state) })
    })
    .await
    .unwrap();
}
