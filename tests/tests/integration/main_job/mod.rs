//! The main job, end to end: an independent client produces 100,000 messages in random order, a tenth of them twice,
//! the consumer is killed five times meanwhile, and in the end tables, answers and open charts equal a recomputation
//! from the file that was produced.

mod answers;
mod formulas;
mod messages;
mod timeline;
mod watcher;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use chrono::{TimeZone as _, Utc};
use sea_orm::sqlx;
use serde_json::json;
use tests::clients::kcat::SEPARATOR;
use tests::system::scratch::Scratch;
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;

use self::messages::{Line, WATCHED};
use self::watcher::Watcher;
use crate::judge::reference::{self, Said, Tables};
use crate::judge::{Topic, tables};

const PARTITIONS: u16 = 12;
const KILLS: i64 = 5;
/// Lines that go to kcat at once, one kcat for each topic.
const CHUNK: usize = 4_000;
const APPEARS_WITHIN: Duration = Duration::from_secs(30);
const CONSUMED_WITHIN: Duration = Duration::from_secs(420);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_answers_and_charts_equal_a_recomputation_whatever_happens_on_the_way() {
    let testbed = Testbed::builder().partitions(PARTITIONS).build().await.unwrap();
    let scratch = Scratch::new().unwrap();
    let (lines, first) = messages::generate(&|kind, number| testbed.id(kind, number));
    let file = scratch.path().join("messages.tsv");
    std::fs::write(&file, lines.iter().map(written).collect::<String>()).unwrap();
    let expected = recompute(&std::fs::read_to_string(&file).unwrap());
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let mut consumer = testbed.start(Role::Consume).await.unwrap();
    let client = gateway.graphql().unwrap();

    produce(&testbed, scratch.path(), &lines[..first]).await;
    let followed = WATCHED.map(|number| testbed.id("evt", number));
    for event in &followed {
        wait::until("the watched events to appear", APPEARS_WITHIN, async || {
            let answer = client
                .data("query ($id: ID!) { event(eventId: $id) { title } }", json!({ "id": event }))
                .await?;
            Ok(if answer["event"].is_null() { Err(anyhow!("{event} is unknown")) } else { Ok(()) })
        })
        .await
        .unwrap();
    }
    let charts = followed.clone().map(|event| {
        let mut minutes = expected.buckets.keys().filter(|(id, _)| *id == event).map(|(_, minute)| *minute);
        let (from, to) =
            (minutes.next().unwrap(), minutes.next_back().unwrap() + chrono::Duration::minutes(1));
        (event, Utc.from_utc_datetime(&from), Utc.from_utc_datetime(&to))
    });
    let mut watcher = Watcher::open(&gateway, &charts).await;

    let participants: i32 = expected.events.values().map(|event| event.participants).sum();
    tokio::join!(
        produce(&testbed, scratch.path(), &lines[first..]),
        kill_five_times(&testbed, &mut consumer, i64::from(participants))
    );
    wait::until("the consumer to be through", CONSUMED_WITHIN, async || {
        Ok(match testbed.lag().await? {
            0 => Ok(()),
            lag => Err(anyhow!("{lag} messages are left")),
        })
    })
    .await
    .unwrap();

    let differences = tables::differences(&tables::read(testbed.database()).await, &expected);
    let some: Vec<&String> = differences.iter().take(10).collect();
    assert!(differences.is_empty(), "{} rows differ:\n{some:#?}", differences.len());

    for event in &followed {
        let shown = watcher::expected(event, &expected);
        let what = format!("the charts of {event} to show the tables' values");
        watcher.until(&what, |screen| screen.events[event].without_revisions() == shown).await;
    }
    let screen = watcher.screen();
    assert!(screen.complaints.is_empty(), "{:#?}", screen.complaints);
    assert!(screen.updates > 10 * followed.len(), "{} updates are no live chart", screen.updates);

    answers::check(&client, &expected).await;
    let dead = testbed.kcat().read(&testbed.topics().dead_letter).await.unwrap();
    assert_eq!(dead, [], "every message can be applied");
}

/// The judge itself: the messages are what the job asks for, and their order is of no importance.
#[test]
fn the_recomputation_doesnt_depend_on_order_or_repetition() {
    let (lines, _) = messages::generate(&|kind, number| format!("{kind}-{number:04}"));
    let file: Vec<String> = lines.iter().map(written).collect();
    let tables = recompute(&file.concat());

    let participants: i32 = tables.events.values().map(|event| event.participants).sum();
    let described = tables.events.values().filter(|event| event.described).count();
    assert_eq!(usize::try_from(participants).unwrap(), messages::PARTICIPANTS);
    assert_eq!(described, messages::EVENTS);
    assert_eq!(tables.channels.len(), (described + 1) * messages::CHANNELS_PER_EVENT);

    let once: Vec<&str> =
        file.iter().rev().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    assert!(once.len() * 11 <= file.len() * 10 + 11, "a tenth of the messages comes twice");
    assert_eq!(tables::differences(&recompute(&once.concat()), &tables), Vec::<String>::new());
}

fn written(line: &Line) -> String {
    format!("{}\t{}\t{}\n", line.topic.name(), line.key, line.body)
}

/// Reads the file, `topic<TAB>key<TAB>body` a line.
fn recompute(file: &str) -> Tables {
    reference::recompute(file.lines().map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (topic, _, body) = (parts.next().unwrap(), parts.next(), parts.next().unwrap());
        Said { topic: Topic::named(topic).unwrap(), id: "", body }
    }))
}

/// Has kcat produce the lines; those of different topics side by side.
async fn produce(testbed: &Testbed, directory: &Path, lines: &[Line]) {
    let kcat = testbed.kcat();
    let topics = testbed.topics();
    for chunk in lines.chunks(CHUNK) {
        let of_topic = async |topic: Topic, name: &str| {
            let mut file = String::new();
            for line in chunk.iter().filter(|line| line.topic == topic) {
                writeln!(file, "{}{SEPARATOR}{}", line.key, line.body).unwrap();
            }
            if !file.is_empty() {
                let path = directory.join(name);
                tokio::fs::write(&path, file).await.unwrap();
                kcat.produce_file(name, &path).await.unwrap();
            }
        };
        tokio::join!(
            of_topic(Topic::EventCreated, &topics.event_created),
            of_topic(Topic::ParticipantRegistered, &topics.participant_registered),
            of_topic(Topic::DistributionCompleted, &topics.distribution_completed)
        );
    }
}

/// At a sixth, two sixths … of the participants, wherever the consumer is at that moment.
async fn kill_five_times(testbed: &Testbed, consumer: &mut Pulsegate, participants: i64) {
    for kill in 1..=KILLS {
        wait::until("the consumer to get on", CONSUMED_WITHIN, async || {
            let stored: i64 =
                sqlx::query_scalar("SELECT coalesce(sum(total_participants), 0) FROM event_stats")
                    .fetch_one(testbed.database())
                    .await?;
            ensure!(stored <= participants, "{stored} participants are more than there are");
            let wanted = participants * kill / (KILLS + 1);
            Ok(if stored >= wanted { Ok(()) } else { Err(anyhow!("{stored} of {wanted} participants")) })
        })
        .await
        .unwrap();
        consumer.kill().unwrap();
        consumer.restart().await.unwrap();
    }
}
