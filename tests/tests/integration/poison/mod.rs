//! Messages that can't be applied: they hold nobody up, whatever is wrong with them.

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
use tokio::time::Instant;

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

/// Of a hundred messages one is poison of every kind; told apart by a database that has to refuse it, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundredth_of_poison_slows_nobody_down_by_half() {
    const MESSAGES: usize = 30_000;
    if !Services::shared().await.unwrap().kafka_is_real() {
        return not_for_real("the speed with poison", "librdkafka's mock cluster is not as fast as a broker");
    }
    let clean = |number: usize| participant(&format!("evt-{:03}", number % 500));
    let poisoned = |number: usize| match (number % 100, number / 100 % 4) {
        (50, 0) => message(Topic::ParticipantRegistered, "evt-000", b"{\"eventId\": ".to_vec()),
        (50, 1) => {
            let body = json!({"eventId": "e".repeat(37), "occurredAt": "2026-01-05T09:31:12Z"});
            message(Topic::ParticipantRegistered, "evt-001", body.to_string().into_bytes())
        }
        (50, 2) => message(Topic::ParticipantRegistered, "evt-002", vec![0xff]),
        // The row of this event is full.
        (50, _) => participant("full"),
        _ => clean(number),
    };
    // In turns, and the quickest of each: whatever else the machine does meanwhile slows down both.
    let (mut without, mut with) = (Duration::MAX, Duration::MAX);
    for _ in 0..2 {
        without = without.min(time(MESSAGES, clean).await);
        with = with.min(time(MESSAGES, poisoned).await);
    }
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    println!(
        "{MESSAGES} messages: {without:.2?} without poison, {with:.2?} with one in a hundred: {ratio:.2} times"
    );
    assert!(ratio <= 2.0, "{without:?} without poison, {with:?} with it");
}

/// From the first to the last of them that is applied.
async fn time(count: usize, make: impl Fn(usize) -> Message) -> Duration {
    let testbed = Testbed::builder().partitions(2).build().await.unwrap();
    sqlx::query("INSERT INTO event_stats (event_id, event_title, user_id, total_participants) VALUES ('full', '', '', $1)")
        .bind(i32::MAX)
        .execute(testbed.database())
        .await
        .unwrap();
    let messages: Vec<Message> = (0..count).map(make).collect();
    Sender::new(testbed.brokers(), testbed.topics()).send(&messages).await;
    let mut consumer = testbed.launch(Role::Consume, &[]).unwrap();
    let mut first = None;
    loop {
        let applied: i64 =
            sqlx::query_scalar("SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_position")
                .fetch_one(testbed.database())
                .await
                .unwrap();
        if applied > 0 {
            first.get_or_insert_with(Instant::now);
        }
        if applied >= i64::try_from(count).unwrap() {
            return first.unwrap().elapsed();
        }
        consumer.require_running().unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
