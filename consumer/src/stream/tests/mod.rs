//! The stream against librdkafka's own broker and a store in memory.

mod fake;
mod harness;

use std::{collections::HashSet, ops::ControlFlow, sync::Arc, time::Duration};

use rdkafka::{mocking::MockCluster, types::RDKafkaApiKey, types::RDKafkaRespErr};
use service::{ErrorKind, ingest::Place};

use self::{
    fake::Fake,
    harness::{Broker, PARTITIONS, Running, in_order, participant},
};
use crate::{
    Error,
    dead_letter::{Letter, Letters},
};

const ALL: usize = PARTITIONS as usize * 3;

fn place(next_offset: i64) -> Place {
    Place { generation: 0, next_offset }
}

fn events(store: &Fake) -> HashSet<String> {
    store.inner().applied.iter().map(|message| message.fact.event_id().to_string()).collect()
}

async fn letters(broker: &Broker) -> Vec<Letter> {
    let settings = broker.settings.clone();
    tokio::task::spawn_blocking(move || {
        let mut letters = Vec::new();
        Letters::open(&settings)
            .unwrap()
            .list(|letter| {
                letters.push(letter);
                ControlFlow::Continue(())
            })
            .unwrap();
        letters
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_once_in_order_and_a_restart_goes_on() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    broker.participants(0, 1000).await;
    broker
        .send(
            "event.created",
            1,
            r#"{"eventId":"evt-c","eventTitle":"t","userId":"u","totalInvestment":1,"expectedRevenue":2,"occurredAt":"2026-01-05T09:31:12Z"}"#,
            &[("messageId", "m-1")],
        )
        .await;
    broker
        .send(
            "distribution.completed",
            2,
            r#"{"specversion":"1.0","id":"ce-1","data":{"eventId":"evt-d","channels":[],"occurredAt":"2026-01-05T09:31:12Z"}}"#,
            &[],
        )
        .await;
    let running = broker.consume(&store);
    store.applied(1002).await;
    running.assigned(ALL).await;
    assert!(running.monitor.state().connected);
    running.stop().await;
    {
        let inner = store.inner();
        assert_eq!((inner.applied.len(), inner.duplicates, inner.replayed), (1002, 0, 0));
        assert!(inner.published >= 1);
        assert!(inner.batches.iter().any(|size| *size > 10), "{:?}", inner.batches);
        assert!(inner.ids.contains("m-1") && inner.ids.contains("ce-1"));
        assert!(inner.ids.contains("participant.registered:0:0"));
    }
    assert!(in_order(&store));
    assert_eq!(events(&store).len(), 1002);

    broker.participants(1000, 1300).await;
    let running = broker.consume(&store);
    store.applied(1302).await;
    running.stop().await;
    let inner = store.inner();
    // Kafka was told all positions, so nothing was read twice.
    assert_eq!((inner.applied.len(), inner.duplicates, inner.replayed), (1302, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_applied_within_a_moment() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    let running = broker.consume(&store);
    running.assigned(ALL).await;
    broker.participants(0, 3).await;
    store.applied(3).await;
    for number in 3..10 {
        let begun = std::time::Instant::now();
        broker.participants(number, number + 1).await;
        store.applied(number + 1).await;
        // Far less than anything that is waited for after a failure.
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_goes_to_the_dead_letters_whole_and_comes_back() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    store.inner().refused.insert("evt-refused".to_owned());
    broker.participants(0, 60).await;
    broker.send("participant.registered", 0, "{broken", &[("trace", "t-1")]).await;
    broker.participants(60, 120).await;
    broker.send("participant.registered", 1, &participant("evt-refused"), &[]).await;
    broker.participants(120, 180).await;
    let running = broker.consume(&store);
    store.applied(180).await;
    let mut found = letters(&broker).await;
    for _ in 0..100 {
        if found.len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        found = letters(&broker).await;
    }
    let [malformed, refused] = ["INVALID_JSON", "NOT_APPLICABLE"].map(|code| {
        let mut of_code = found.iter().filter(|letter| letter.code.as_deref() == Some(code));
        let letter = of_code.next().unwrap().clone();
        assert!(of_code.next().is_none());
        letter
    });
    assert_eq!(malformed.topic.as_deref(), Some("participant.registered"));
    assert_eq!(malformed.origin.unwrap().to_string(), "0:20");
    assert_eq!(malformed.payload.as_deref(), Some(b"{broken".as_slice()));
    assert_eq!(malformed.key.as_deref(), Some(b"key".as_slice()));
    assert_eq!(malformed.headers, [("trace".to_owned(), Some(b"t-1".to_vec()))]);
    assert_eq!(malformed.attempts, 1);
    assert_eq!(malformed.failed_at.as_deref(), Some("2026-01-05T00:00:00.000000Z"));
    assert!(malformed.error.unwrap().starts_with("the message is not valid JSON"));
    assert_eq!(refused.payload.as_deref(), Some(participant("evt-refused").as_bytes()));
    assert!(in_order(&store));
    assert_eq!(store.inner().duplicates, 0);

    // Sent back while still refused, it fails once more; sent back twice when it isn't, it counts once.
    let settings = broker.settings.clone();
    let tools = tokio::task::spawn_blocking(move || Letters::open(&settings).unwrap()).await.unwrap();
    tools.retry(&refused).await.unwrap();
    let again = loop {
        let found = letters(&broker).await;
        if let Some(letter) = found.iter().find(|letter| letter.attempts == 2) {
            break letter.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    store.inner().refused.clear();
    tools.retry(&again).await.unwrap();
    tools.retry(&again).await.unwrap();
    tools.retry(&refused).await.unwrap();
    store.applied(181).await;
    while store.inner().duplicates < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(store.inner().applied.len(), 181);
    let place = again.place;
    let shown = tokio::task::spawn_blocking(move || {
        let shown = (tools.show(place).unwrap(), tools.show("0:999".parse().unwrap()).unwrap());
        drop(tools);
        shown
    })
    .await
    .unwrap();
    assert_eq!(shown, (Some(again), None));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_waited_for() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    store.fail(3, ErrorKind::Transient);
    broker.participants(0, 300).await;
    let running = broker.consume(&store);
    store.applied(300).await;
    store.fail(4, ErrorKind::Transient);
    broker.participants(300, 600).await;
    store.applied(600).await;
    assert_eq!(store.failures(), 0);
    assert_eq!(store.inner().duplicates, 0);
    assert!(in_order(&store));
    assert!(letters(&broker).await.is_empty());
    assert_eq!(running.monitor.state().trouble, None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_memory_should_hold_is_left_in_kafka() {
    let mut broker = Broker::new();
    broker.settings.batch_max = 10;
    let store = Arc::new(Fake::new());
    store.open(false);
    broker.participants(0, 3000).await;
    let running = broker.consume(&store);
    running.assigned(ALL).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(store.inner().applied.is_empty());
    store.open(true);
    store.applied(3000).await;
    assert!(in_order(&store));
    {
        let inner = store.inner();
        assert_eq!((inner.duplicates, inner.replayed), (0, 0));
        assert!(inner.batches.iter().all(|size| *size <= 25), "{:?}", inner.batches);
        assert!(inner.batches.contains(&25));
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_a_store_that_is_away() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    let running = broker.consume(&store);
    running.assigned(ALL).await;
    store.fail(usize::MAX, ErrorKind::Transient);
    broker.participants(0, 10).await;
    while running.monitor.state().trouble.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.stop().await;
    assert!(store.inner().applied.is_empty());

    // Nor while it is still being asked where to begin.
    let running = broker.consume(&store);
    while running.monitor.state().trouble.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fatal_failure_ends_the_consumer() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    let running = broker.consume(&store);
    running.assigned(ALL).await;
    store.fail(1, ErrorKind::Fatal);
    broker.participants(0, 10).await;
    let ended = tokio::time::timeout(Duration::from_secs(10), running.task).await.unwrap().unwrap();
    assert!(matches!(ended, Err(Error::Store(failure)) if failure.text == "told to fail"));
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_made_later_are_noticed() {
    let broker = Broker::empty();
    let store = Arc::new(Fake::new());
    let running = broker.consume(&store);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(running.monitor.state().assigned, 0);
    broker.create_topics();
    broker.participants(0, 30).await;
    store.applied(30).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_anew_is_read_from_its_beginning() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    store.inner().positions.insert(("participant.registered".into(), 0), place(5000));
    broker.participants(0, 30).await;
    let running = broker.consume(&store);
    store.applied(30).await;
    running.stop().await;
    let inner = store.inner();
    let [reset] = &inner.resets[..] else { panic!("{:?}", inner.resets) };
    assert_eq!((reset.topic.as_ref(), reset.partition, reset.next_offset), ("participant.registered", 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_kafka_dropped_are_passed_over_aloud() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    store.inner().positions.insert(("participant.registered".into(), 0), place(0));
    // The broker in the process keeps 5 MiB of a partition.
    let padding = "x".repeat(100_000);
    for number in 0..80 {
        let payload = participant(&format!("evt-{number}")).replacen(
            '{',
            &format!(r#"{{"pad":"{padding}{number}","#),
            1,
        );
        broker.send("participant.registered", 0, &payload, &[("number", "1")]).await;
    }
    let running = broker.consume(&store);
    store.applied(1).await;
    running.assigned(ALL).await;
    running.stop().await;
    let inner = store.inner();
    assert_eq!(inner.resets.len(), 1);
    assert!(inner.resets[0].next_offset > 0);
    assert_eq!(inner.applied[0].offset, inner.resets[0].next_offset);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_is_gone_while_reading_is_survived() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    broker.participants(0, 30).await;
    let running = broker.consume(&store);
    store.applied(30).await;
    broker
        .cluster
        .request_errors(RDKafkaApiKey::Fetch, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE]);
    broker.participants(30, 60).await;
    store.applied(60).await;
    running.assigned(ALL).await;
    assert_eq!(store.inner().applied.len(), 60);
    assert_eq!(store.inner().duplicates, 0);
    running.stop().await;
}

/// As a standby may that takes over.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_loses_is_read_again() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    broker.participants(0, 300).await;
    let running = broker.consume(&store);
    store.applied(300).await;
    {
        let mut inner = store.inner();
        let lost: Vec<_> = inner.applied.drain(200..).collect();
        for message in lost {
            inner.ids.remove(&message.id());
            let partition = (message.topic.clone(), message.partition);
            let place = inner.positions.get_mut(&partition).unwrap();
            place.next_offset = place.next_offset.min(message.offset);
        }
    }
    broker.participants(300, 303).await;
    store.applied(303).await;
    running.assigned(ALL).await;
    running.stop().await;
    assert_eq!(events(&store).len(), 303);
    assert_eq!(store.inner().applied.len(), 303);
    assert!(in_order(&store));
}

/// As a member does whose partitions others have taken on, and who doesn't know.
#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_former_topic_are_not_taken_for_those_of_its_successor() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    broker.participants(0, 30).await;
    let running = broker.consume(&store);
    store.applied(30).await;
    for place in store.inner().positions.values_mut() {
        *place = Place { generation: place.generation + 1, next_offset: 0 };
    }
    broker.participants(30, 33).await;
    store.applied(33).await;
    running.stop().await;
    let inner = store.inner();
    // Only reading anew tells what is in the topic now.
    assert_eq!((inner.applied.len(), inner.duplicates + inner.replayed), (33, 30));
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_change_hands_without_loss() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    let first = broker.consume(&store);
    first.assigned(ALL).await;
    broker.participants(0, 300).await;
    let second = broker.consume(&store);
    broker.participants(300, 600).await;
    shared(&first, &second).await;
    broker.participants(600, 900).await;
    store.applied(900).await;
    first.stop().await;
    second.assigned(ALL).await;
    broker.participants(900, 1000).await;
    store.applied(1000).await;
    second.stop().await;
    let inner = store.inner();
    assert_eq!((inner.applied.len(), inner.duplicates), (1000, 0));
}

async fn shared(first: &Running, second: &Running) {
    for _ in 0..3000 {
        let (one, two) = (first.monitor.state().assigned, second.monitor.state().assigned);
        if one + two == ALL && two > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?} {:?}", first.monitor.state(), second.monitor.state());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_waited_for() {
    let broker = Broker::new();
    let store = Arc::new(Fake::new());
    let running = broker.consume(&store);
    broker.participants(0, 30).await;
    store.applied(30).await;
    broker.cluster.broker_down(1).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!running.monitor.state().connected);
    broker.cluster.broker_up(1).unwrap();
    broker.participants(30, 60).await;
    store.applied(60).await;
    assert_eq!(store.inner().duplicates, 0);
    running.stop().await;
}

/// The mock is what the embedded default rests on; its cluster id keeps one run's positions from another's.
#[test]
fn each_embedded_broker_is_a_cluster_of_its_own() {
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    let id = |cluster: &MockCluster<'_, _>| {
        let consumer: BaseConsumer = rdkafka::ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .create()
            .unwrap();
        consumer.client().fetch_cluster_id(Duration::from_secs(5)).unwrap()
    };
    let (one, two) = (MockCluster::new(1).unwrap(), MockCluster::new(1).unwrap());
    assert_ne!(id(&one), id(&two));
}
