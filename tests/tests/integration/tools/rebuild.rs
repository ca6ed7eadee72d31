//! `pulsegate rebuild`: it names exactly what is wrong, and makes it right while messages keep arriving.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sea_orm::sqlx::{self, AssertSqlSafe, PgPool};
use serde_json::json;
use tests::testbed::{Role, Testbed};
use tests::wait;

use super::story::Story;
use super::{assert_ends, stderr, stdout};
use crate::judge::reference::Bucket;
use crate::judge::tables;

const BY_MINUTES: [(&str, &str); 1] = [("TIMELINE_MINUTE_DAYS", "0")];
const MERGED_WITHIN: Duration = Duration::from_secs(30);

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Breaks something; exactly one row.
async fn corrupt(database: &PgPool, statement: &str, event: &str) {
    let done = sqlx::query(AssertSqlSafe(statement)).bind(event).execute(database).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{statement}");
}

async fn revisions(database: &PgPool) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT event_id, revision FROM event_stats").fetch_all(database).await.unwrap();
    rows.into_iter().collect()
}

async fn schema_is_gone(database: &PgPool) -> bool {
    sqlx::query_scalar("SELECT to_regnamespace('pulsegate_rebuild') IS NULL")
        .fetch_one(database)
        .await
        .unwrap()
}

/// The table that was printed, without its heading: cells by columns.
fn rows(printed: &str) -> BTreeSet<Vec<String>> {
    let cells = |line: &str| {
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    printed.lines().skip(1).map(cells).collect()
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// Seven wrong events, and on some of them readings of external channels, which no message tells of.
async fn break_things(database: &PgPool, story: &Story<'_>) {
    let event = |number| story.event(number);
    corrupt(database, "UPDATE event_stats SET total_participants = 47 WHERE event_id = $1", &event(0)).await;
    corrupt(database, "UPDATE event_stats SET event_title = '엉뚱한 제목' WHERE event_id = $1", &event(1))
        .await;
    let bucket = "event_id = $1 AND \"timestamp\" = '2026-01-05 09:07'";
    corrupt(database, &format!("DELETE FROM timeline_data WHERE {bucket}"), &event(2)).await;
    corrupt(database, &format!("UPDATE timeline_data SET participants = 3 WHERE {bucket}"), &event(3)).await;
    let channel = "event_id = $1 AND channel_name = '인스타그램'";
    corrupt(database, &format!("UPDATE channel_stats SET participants = 19 WHERE {channel}"), &event(4))
        .await;
    let invented =
        "INSERT INTO channel_stats (event_id, channel_name, channel_type) VALUES ($1, '없는채널', 'TV')";
    corrupt(database, invented, &event(5)).await;
    corrupt(database, "DELETE FROM event_stats WHERE event_id = $1", &event(6)).await;
    let reading = "INSERT INTO timeline_data (event_id, \"timestamp\", views, engagement, cumulative_participants,
        created_at, updated_at) VALUES ($1, '2026-01-05 10:30', 5, 2, 40, '2026-01-05 10:30:20', '2026-01-05 10:30:20')";
    corrupt(database, reading, &event(7)).await;
    corrupt(database, &format!("UPDATE timeline_data SET views = 3 WHERE {bucket}"), &event(3)).await;
    let reading = "SET likes = 900, distribution_cost = 7, cost_read_at = '2026-01-05 10:30:20'";
    corrupt(database, &format!("UPDATE channel_stats {reading} WHERE {channel}"), &event(7)).await;
}

/// The lines that name what [`break_things`] did, without the readings.
fn what_is_broken(story: &Story<'_>) -> BTreeSet<Vec<String>> {
    let event = |number| story.event(number);
    let at = "2026-01-05T09:07Z";
    BTreeSet::from([
        row(&[&event(0), "event_stats", "total_participants", "47", "40"]),
        row(&[&event(1), "event_stats", "event_title", "엉뚱한 제목", "새해 경품 이벤트 1"]),
        row(&[&event(2), "timeline_data", at, "(row)", "missing", "there"]),
        row(&[&event(3), "timeline_data", at, "participants", "3", "1"]),
        row(&[&event(4), "channel_stats", "인스타그램", "participants", "19", "20"]),
        row(&[&event(5), "channel_stats", "없는채널", "(row)", "there", "missing"]),
        row(&[&event(6), "event_stats", "(row)", "missing", "there"]),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_named_and_made_right_while_messages_keep_arriving() {
    let testbed = Testbed::new().await.unwrap();
    let database = testbed.database();
    let start = instant("2026-01-05T09:00:00Z");
    let mut story = Story::new(&testbed);
    for event in 0..8 {
        story.begin(event, start);
        story.participants(event, start, 40);
    }
    let _consumer = testbed.start_with(Role::Consume, &BY_MINUTES).await.unwrap();
    story.tell().await;
    story.applied().await;
    let unharmed = tables::read(database).await;
    assert_eq!(tables::differences(&unharmed, &story.expected()), Vec::<String>::new());
    let output = testbed.run(&["rebuild", "--dry-run"], &BY_MINUTES).await.unwrap();
    assert_ends(&output, 0);
    assert!(stdout(&output).starts_with("nothing differs"), "{}", stdout(&output));

    let before = revisions(database).await;
    break_things(database, &story).await;
    let output = testbed.run(&["rebuild", "--dry-run"], &BY_MINUTES).await.unwrap();
    assert_ends(&output, 1);
    assert_eq!(rows(&stdout(&output)), what_is_broken(&story), "{}", stdout(&output));
    assert_eq!(stderr(&output), "pulsegate: 7 events differ from what Kafka's messages give\n");
    assert!(schema_is_gone(database).await);

    // As if killed: the next one clears it away.
    sqlx::raw_sql(
        "CREATE SCHEMA pulsegate_rebuild; CREATE TABLE pulsegate_rebuild.event_stats (left_behind INT)",
    )
    .execute(database)
    .await
    .unwrap();
    let later = instant("2026-01-05T12:00:00Z");
    let rebuilt = Cell::new(false);
    let rebuilding = async {
        let output = testbed.run(&["rebuild"], &BY_MINUTES).await.unwrap();
        rebuilt.set(true);
        output
    };
    let telling = async {
        for round in 0.. {
            for event in 0..8 {
                story.participants(event, later + TimeDelta::minutes(round * 5), 5);
            }
            story.tell().await;
            if rebuilt.get() {
                break;
            }
        }
    };
    let (output, ()) = tokio::join!(rebuilding, telling);
    assert_ends(&output, 0);
    assert!(stdout(&output).contains("repaired 7 events from "), "{}", stdout(&output));
    assert!(schema_is_gone(database).await);
    story.applied().await;

    let mut expected = story.expected();
    let at = |text: &str| instant(text).naive_utc();
    let read = at("2026-01-05T10:30:20Z");
    let of = |number: usize, at: NaiveDateTime| (story.event(number), at);
    expected.buckets.get_mut(&of(3, at("2026-01-05T09:07:00Z"))).unwrap().views = 3;
    expected.buckets.insert(
        of(7, at("2026-01-05T10:30:00Z")),
        Bucket {
            views: 5,
            engagement: 2,
            cumulative_participants: 40,
            created_at: read,
            updated_at: read,
            ..Bucket::default()
        },
    );
    let read_channel = expected.channels.get_mut(&(story.event(7), "인스타그램".to_owned())).unwrap();
    (read_channel.likes, read_channel.cost) = (900, "7.00".parse().unwrap());
    assert_eq!(tables::differences(&tables::read(database).await, &expected), Vec::<String>::new());
    let after = revisions(database).await;
    for (event, revision) in &before {
        assert!(after[event] > *revision, "{event}");
    }
    let output = testbed.run(&["rebuild", "--dry-run"], &BY_MINUTES).await.unwrap();
    assert_ends(&output, 0);
}

#[tokio::test]
async fn one_event_is_made_right_and_shown_right_at_once_the_others_are_not_touched() {
    let testbed = Testbed::new().await.unwrap();
    let database = testbed.database();
    let mut story = Story::new(&testbed);
    let start = instant("2026-01-05T09:00:00Z");
    for event in 0..3 {
        story.begin(event, start);
        story.participants(event, start, 10);
    }
    let consumer = testbed.start_with(Role::Consume, &BY_MINUTES).await.unwrap();
    let gateway = testbed.start(Role::Serve).await.unwrap();
    story.tell().await;
    story.applied().await;
    drop(consumer);
    let wrong =
        "UPDATE event_stats SET event_title = '엉뚱한 제목', user_id = 'somebody' WHERE event_id = $1";
    for event in [0, 1] {
        corrupt(database, wrong, &story.event(event)).await;
    }
    let client = gateway.graphql().unwrap();
    let title = async |number: usize| {
        let query = "query ($id: ID!) { event(eventId: $id) { title } }";
        let answer = client.data(query, json!({ "id": story.event(number) })).await.unwrap();
        answer["event"]["title"].as_str().unwrap().to_owned()
    };
    // Whoever corrupts the tables tells nobody, so now the cache has it.
    assert_eq!([title(0).await, title(1).await], ["엉뚱한 제목", "엉뚱한 제목"]);
    let before = revisions(database).await;

    let output = testbed.run(&["rebuild", "--event", &story.event(0)], &BY_MINUTES).await.unwrap();
    assert_ends(&output, 0);
    assert!(stdout(&output).contains("repaired 1 events"), "{}", stdout(&output));
    assert_eq!([title(0).await, title(1).await], ["새해 경품 이벤트 0", "엉뚱한 제목"]);
    let mut expected = before;
    *expected.get_mut(&story.event(0)).unwrap() += 1;
    assert_eq!(revisions(database).await, expected);

    let output = testbed.run(&["rebuild", "--event", "no-such-event"], &BY_MINUTES).await.unwrap();
    assert_ends(&output, 1);
    assert_eq!(
        stderr(&output),
        "pulsegate: there is no event no-such-event, neither in the tables nor in Kafka\n"
    );
    let output = testbed.run(&["rebuild", "--event", ""], &BY_MINUTES).await.unwrap();
    assert_ends(&output, 2);
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
}

#[tokio::test]
async fn merged_quarters_equal_their_minutes_and_are_repaired_as_quarters() {
    let testbed = Testbed::new().await.unwrap();
    let database = testbed.database();
    let mut story = Story::new(&testbed);
    let start = instant("2026-01-05T09:00:00Z");
    for event in 0..2 {
        story.begin(event, start);
        story.participants(event, start, 40);
    }
    let variables = [("TIMELINE_MINUTE_DAYS", "1")];
    let mut consumer = testbed.start_with(Role::Consume, &variables).await.unwrap();
    story.tell().await;
    story.applied().await;
    // The house is kept when a consumer starts.
    consumer.terminate().unwrap();
    consumer.restart().await.unwrap();
    let counts = || async {
        let rows: Vec<(NaiveDateTime, i32, i32)> = sqlx::query_as(
            "SELECT \"timestamp\", participants, cumulative_participants FROM timeline_data
             WHERE event_id = $1 ORDER BY 1",
        )
        .bind(story.event(0))
        .fetch_all(database)
        .await
        .unwrap();
        rows.into_iter().map(|(at, own, all)| (at.format("%H:%M").to_string(), own, all)).collect::<Vec<_>>()
    };
    let quarters = [("09:00", 15, 15), ("09:15", 15, 30), ("09:30", 10, 40)]
        .map(|(at, own, all)| (at.to_owned(), own, all));
    wait::until("the minutes to be merged", MERGED_WITHIN, async || {
        let rows = counts().await;
        Ok((|| {
            ensure!(rows == quarters, "{rows:?}");
            Ok(())
        })())
    })
    .await
    .unwrap();
    let output = testbed.run(&["rebuild", "--dry-run"], &variables).await.unwrap();
    assert_ends(&output, 0);

    let quarter = "event_id = $1 AND \"timestamp\" = '2026-01-05 09:15'";
    let wrong = format!("UPDATE timeline_data SET participants = 14, conversions = 2 WHERE {quarter}");
    corrupt(database, &wrong, &story.event(0)).await;
    let output = testbed.run(&["rebuild"], &variables).await.unwrap();
    assert_ends(&output, 0);
    assert_eq!(counts().await, quarters);
    let kept: i32 =
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT conversions FROM timeline_data WHERE {quarter}")))
            .bind(story.event(0))
            .fetch_one(database)
            .await
            .unwrap();
    assert_eq!(kept, 2, "a reading is in no message");
}
