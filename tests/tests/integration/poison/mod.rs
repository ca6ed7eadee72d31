//! Messages that can't be applied: they hold nobody up, whatever is wrong with them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use sea_orm::sqlx;
use serde_json::json;
use tests::report::not_for_real;
use tests::services::Services;
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::{unique, wait};

use crate::judge::Topic;
use crate::torture::broker::{self, Record, Sender};
use crate::torture::messages::Message;

const THROUGH_WITHIN: Duration = Duration::from_secs(90);
/// What brokers take by default, with the record around it.
const LARGEST: usize = 1_048_588;

async fn through(testbed: &Testbed, consumer: &mut Pulsegate) {
    wait::until("the consumer to be through", THROUGH_WITHIN, async || {
        consumer.require_running()?;
        Ok(match testbed.lag().await? {
            0 => Ok(()),
            lag => Err(anyhow!("{lag} messages are left")),
        })
    })
    .await
    .unwrap();
}

async fn dead_letters(testbed: &Testbed) -> Vec<Record> {
    let (brokers, topic) = (testbed.brokers().to_owned(), testbed.topics().dead_letter.clone());
    tokio::task::spawn_blocking(move || broker::read(&brokers, &topic)).await.unwrap().unwrap()
}

fn header<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    record.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn message(topic: Topic, key: &str, body: Vec<u8>) -> Message {
    Message { topic, key: key.to_owned(), body: Some(body), headers: Vec::new(), poison: None }
}

fn participant(event: &str) -> Message {
    let body = json!({
        "messageId": unique::name(), "eventId": event, "occurredAt": "2026-01-05T09:31:12Z",
        "channelName": "우리동네TV", "channelType": "TV",
    });
    message(Topic::ParticipantRegistered, event, body.to_string().into_bytes())
}

/// Its letter, with what is said about it, is larger than the topic allows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_as_large_as_a_topic_takes_holds_nobody_up() {
    if !Services::shared().await.unwrap().kafka_is_real() {
        return not_for_real(
            "poison as large as a topic takes",
            "librdkafka's mock cluster has no such limit",
        );
    }
    let testbed = Testbed::builder().partitions(1).build().await.unwrap();
    let mut noise = vec![0; LARGEST - 100];
    StdRng::seed_from_u64(7).fill_bytes(&mut noise);
    let size = noise.len();
    let mut sender = Sender::new(testbed.brokers(), testbed.topics());
    sender.send(&[message(Topic::ParticipantRegistered, "evt-1", noise), participant("evt-1")]).await;
    let mut consumer = testbed.start(Role::Consume).await.unwrap();
    through(&testbed, &mut consumer).await;

    let [letter] = &dead_letters(&testbed).await[..] else { panic!("one letter is expected") };
    assert_eq!((letter.key.as_deref(), &letter.body), (Some(b"evt-1".as_slice()), &None));
    let told = ["x-topic", "x-partition", "x-offset", "x-error-code", "x-attempts", "x-payload-omitted"];
    let size = size.to_string();
    let expected =
        [testbed.topics().participant_registered.as_str(), "0", "0", "INVALID_UTF8", "1", size.as_str()];
    assert_eq!(told.map(|name| header(letter, name)), expected.map(Some));
    let shown = testbed.run(&["dlq", "show", "0:0"], &[]).await.unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(&format!("its {size} bytes were too many for the dead-letter topic")), "{shown}");
    let sent = testbed.run(&["dlq", "retry", "0:0"], &[]).await.unwrap();
    let said = String::from_utf8(sent.stdout).unwrap();
    assert!(said.contains("0:0 not sent: the letter 0:0 can't be sent back"), "{said}");
    assert_eq!(sent.status.code(), Some(1));
    let counted: i32 = sqlx::query_scalar("SELECT total_participants FROM event_stats")
        .fetch_one(testbed.database())
        .await
        .unwrap();
    assert_eq!(counted, 1);
}

/// Each is fine by itself; together they pass the largest INTEGER.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_that_pass_their_column_together_are_dead_letters() {
    let testbed = Testbed::builder().partitions(1).build().await.unwrap();
    let distribution = |channels: &[(&str, i64)]| {
        let channels = channels
            .iter()
            .map(|(name, views)| json!({"channelName": name, "channelType": "SNS", "views": views}));
        let body = json!({
            "messageId": unique::name(), "eventId": "evt-1", "occurredAt": "2026-01-05T09:31:12Z",
            "channels": channels.collect::<Vec<_>>(),
        });
        message(Topic::DistributionCompleted, "evt-1", body.to_string().into_bytes())
    };
    let mut sender = Sender::new(testbed.brokers(), testbed.topics());
    let sent = [
        distribution(&[("a", 2_000_000_000)]),
        distribution(&[("b", 2_000_000_000)]),
        distribution(&[("c", 1), ("d", i64::from(i32::MAX))]),
        distribution(&[("a", i64::from(i32::MAX))]),
        distribution(&[("e", 1)]),
    ];
    sender.send(&sent).await;
    let mut consumer = testbed.start(Role::Consume).await.unwrap();
    through(&testbed, &mut consumer).await;
    let letters = dead_letters(&testbed).await;
    let offsets: Vec<_> = letters
        .iter()
        .map(|letter| (header(letter, "x-offset").unwrap(), header(letter, "x-error-code").unwrap()))
        .collect();
    assert_eq!(offsets, ["1", "2", "4"].map(|offset| (offset, "NOT_APPLICABLE")));
    let views: i32 = sqlx::query_scalar("SELECT total_views FROM event_stats")
        .fetch_one(testbed.database())
        .await
        .unwrap();
    assert_eq!(views, i32::MAX);
}

/// Of a hundred messages one is poison of every kind. What it costs is told by what the database had to undo: whatever
/// the database refuses is found once by halving, and tried apart from then on. (`make bench-ingest` tells the time.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundredth_of_poison_costs_the_rest_next_to_nothing() {
    const MESSAGES: usize = 12_000;
    const OF_EACH_KIND: usize = MESSAGES / 400;
    let testbed = Testbed::builder().partitions(2).build().await.unwrap();
    sqlx::query("INSERT INTO event_stats (event_id, event_title, user_id, total_participants) VALUES ('full', '', '', $1)")
        .bind(i32::MAX)
        .execute(testbed.database())
        .await
        .unwrap();
    let poison = |number: usize| match number % 4 {
        0 => message(Topic::ParticipantRegistered, "evt-000", b"{\"eventId\": ".to_vec()),
        1 => {
            let body = json!({"eventId": "e".repeat(37), "occurredAt": "2026-01-05T09:31:12Z"});
            message(Topic::ParticipantRegistered, "evt-001", body.to_string().into_bytes())
        }
        2 => message(Topic::ParticipantRegistered, "evt-002", vec![0xff]),
        // The row of this event is full.
        _ => participant("full"),
    };
    let messages: Vec<Message> = (0..MESSAGES)
        .map(|number| match number % 100 {
            50 => poison(number / 100),
            _ => participant(&format!("evt-{:03}", number % 500)),
        })
        .collect();
    Sender::new(testbed.brokers(), testbed.topics()).send(&messages).await;
    let mut consumer = testbed.start(Role::Consume).await.unwrap();
    through(&testbed, &mut consumer).await;
    // Its sessions report to the database what they did when they end at the latest.
    consumer.terminate().unwrap();

    let mut codes = BTreeMap::new();
    for letter in dead_letters(&testbed).await {
        *codes.entry(header(&letter, "x-error-code").unwrap().to_owned()).or_default() += 1;
    }
    let expected = ["INVALID_JSON", "INVALID_UTF8", "NOT_APPLICABLE", "TOO_LONG"];
    assert_eq!(codes, BTreeMap::from(expected.map(|code| (code.to_owned(), OF_EACH_KIND))));
    let counted: i64 = sqlx::query_scalar(
        "SELECT sum(total_participants)::bigint FROM event_stats WHERE event_id <> 'full'",
    )
    .fetch_one(testbed.database())
    .await
    .unwrap();
    assert_eq!(counted, i64::try_from(MESSAGES - 4 * OF_EACH_KIND).unwrap());
    let undone: i64 =
        sqlx::query_scalar("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(testbed.database())
            .await
            .unwrap();
    println!("{undone} transactions undone for {OF_EACH_KIND} messages that the database refused");
    assert!(undone >= 1, "the database has refused something");
    // One for each refused message, and for each of the two writers the halves of its first batch.
    let halves = 2 * 2 * MESSAGES.ilog2();
    assert!(undone <= i64::from(halves) + 2 * i64::try_from(OF_EACH_KIND).unwrap(), "{undone}");
}

/// Neither waiting nor another message helps: whoever watches over the process has to be told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_refuses_for_good_ends_the_process_with_a_line_and_a_code() {
    let testbed = Testbed::builder().partitions(1).build().await.unwrap();
    let refuse = "CREATE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS \
                  $$ BEGIN RAISE EXCEPTION 'the page is broken' USING ERRCODE = 'XX001'; END $$; \
                  CREATE TRIGGER refuse BEFORE INSERT ON event_stats FOR EACH ROW EXECUTE FUNCTION refuse()";
    sqlx::raw_sql(refuse).execute(testbed.database()).await.unwrap();
    let mut sender = Sender::new(testbed.brokers(), testbed.topics());
    sender.send(&[participant("evt-1")]).await;
    let mut consumer = testbed.launch(Role::Consume, &[]).unwrap();
    let status = wait::until("the process to end", THROUGH_WITHIN, async || {
        Ok(consumer.ended()?.ok_or_else(|| anyhow!("it still runs")))
    });
    assert_eq!(status.await.unwrap().code(), Some(1), "{}", consumer.log().unwrap());
    let log = consumer.log().unwrap();
    let last = log.lines().last().unwrap();
    assert!(last.starts_with("pulsegate: ") && last.contains("the page is broken"), "{log}");
    assert!(dead_letters(&testbed).await.is_empty());
}
