//! A message without an id is known by its place, and a place is known by more than its number.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use consumer::message::{Kind, decode};
use sea_orm::sqlx;
use service::clock::ManualClock;
use service::ingest::{Batch, Message, Place, Position};
use service::{ErrorKind, Service, Settings};
use tests::testbed::Testbed;
use tests::wait;

use super::history::now;

const TOPIC: &str = "participant.registered";
const MARKED_WITHIN: Duration = Duration::from_secs(10);

async fn bed() -> (Testbed, Arc<Service>) {
    let testbed = Testbed::new().await.unwrap();
    let settings = Settings {
        database_url: testbed.database_url().to_owned(),
        database_read_url: None,
        redis_url: Some(testbed.redis_url().to_owned()),
        cache: true,
        pool_size: 2,
        acquire_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(10),
    };
    let service = Service::new(&settings, Arc::new(ManualClock::new(now()))).unwrap();
    (testbed, service)
}

/// Two participants, one with an id and one without.
fn batch(id: &str) -> Batch {
    let body = r#"{"eventId":"evt","participantId":"p","occurredAt":"2026-03-10T08:00:00Z"}"#;
    let headers: &[(&str, &[u8])] = &[];
    let fact = decode(Kind::ParticipantRegistered, Some(body.as_bytes()), headers).unwrap().fact;
    let message = |offset, message_id| Message {
        topic: TOPIC.into(),
        partition: 0,
        offset,
        message_id,
        fact: fact.clone(),
    };
    Batch {
        positions: vec![Position { topic: TOPIC.into(), partition: 0, next_offset: 2 }],
        messages: vec![message(0, None), message(1, Some(id.to_owned()))],
        ..Batch::default()
    }
}

fn expected(place: Place) -> HashMap<(Arc<str>, i32), Place> {
    HashMap::from([((TOPIC.into(), 0), place)])
}

/// Waits for the marks in Redis, which are set in the background, all of a batch at once.
async fn marked(testbed: &Testbed, id: &str) {
    let client = redis::Client::open(testbed.redis_url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    wait::until("the mark of a processed message", MARKED_WITHIN, async || {
        let key = format!("analytics:processed:{{{id}}}");
        let set: bool = redis::cmd("EXISTS").arg(&key).query_async(&mut connection).await?;
        Ok(if set { Ok(()) } else { Err(anyhow::anyhow!("{key} is not set")) })
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_topic_that_was_made_anew_has_other_messages_at_the_same_places() {
    let (testbed, service) = bed().await;
    let first = batch("first");
    assert_eq!(service.apply("cluster", &first).await.unwrap().fresh, 2);
    marked(&testbed, "first").await;
    let again = service.apply("cluster", &first).await.unwrap();
    assert_eq!((again.fresh, again.replayed), (0, 2), "the same topic");

    let start = Position { topic: TOPIC.into(), partition: 0, next_offset: 0 };
    let places = service.reset_positions("cluster", &[start]).await.unwrap();
    let place = Place { generation: 1, next_offset: 0 };
    assert_eq!(places, HashMap::from([((TOPIC.into(), 0), place)]));
    let former = Batch { expected: expected(Place::default()), ..first.clone() };
    let refused = service.apply("cluster", &former).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Stale, "{refused}");
    let anew = Batch { expected: expected(place), ..first };
    let anew = service.apply("cluster", &anew).await.unwrap();
    assert_eq!((anew.fresh, anew.duplicates), (1, 1), "what has an id is known, a place is not");
}

#[tokio::test]
async fn another_cluster_has_other_messages_at_the_same_places() {
    let (testbed, service) = bed().await;
    assert_eq!(service.apply("cluster", &batch("first")).await.unwrap().fresh, 2);
    marked(&testbed, "first").await;
    let elsewhere = service.apply("another", &batch("first")).await.unwrap();
    assert_eq!((elsewhere.fresh, elsewhere.duplicates), (1, 1));
}

#[tokio::test]
async fn an_id_that_reads_like_a_place_is_none() {
    let (testbed, service) = bed().await;
    let like_a_place = format!("{TOPIC}:0:0");
    assert_eq!(service.apply("cluster", &batch(&like_a_place)).await.unwrap().fresh, 2);
    marked(&testbed, &like_a_place).await;
    let elsewhere = service.apply("another", &batch("second")).await.unwrap();
    assert_eq!((elsewhere.fresh, elsewhere.duplicates), (2, 0));
}

/// Marks are not part of a backup, and a standby that takes over may lack the last transactions.
#[tokio::test]
async fn a_mark_that_outlives_its_rows_is_not_believed() {
    let (testbed, service) = bed().await;
    assert_eq!(service.apply("cluster", &batch("first")).await.unwrap().fresh, 2);
    marked(&testbed, "first").await;
    let statement = "TRUNCATE event_stats, timeline_data, processed_message, consumer_position";
    sqlx::query(statement).execute(testbed.database()).await.unwrap();
    assert_eq!(service.apply("cluster", &batch("first")).await.unwrap().fresh, 2);
}

/// What is read follows on what was applied before: where the database has lost that, it is not left out.
#[tokio::test]
async fn a_batch_does_not_pass_over_what_the_database_has_lost() {
    let (testbed, service) = bed().await;
    let stored = |next_offset| expected(Place { generation: 0, next_offset });
    let first = Batch { expected: stored(0), ..batch("first") };
    assert_eq!(service.apply("cluster", &first).await.unwrap().fresh, 2);
    let mut second = Batch { expected: stored(2), ..batch("second") };
    second.messages.iter_mut().for_each(|message| message.offset += 2);
    second.positions[0].next_offset = 4;
    sqlx::query("UPDATE consumer_position SET next_offset = 1").execute(testbed.database()).await.unwrap();
    let refused = service.apply("cluster", &second).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Stale);
    let said = format!("the stored position of {TOPIC}/0 is 1 in generation 0, and not 2 in generation 0");
    assert_eq!(refused.to_string(), said);
    sqlx::query("UPDATE consumer_position SET next_offset = 3").execute(testbed.database()).await.unwrap();
    let applied = service.apply("cluster", &second).await.unwrap();
    assert_eq!((applied.fresh, applied.replayed), (1, 1), "another reader may have come further");
}
