use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sea_orm::sqlx;
use service::domain::{Bucket, EventId, Granularity, Viewer};
use service::ingest::{Batch, Fact};
use service::read::{TimelineSpec, With};
use service::timeline::RangeInput;
use service::{Service, Upkeep};

use super::{House, KEEP, described, instant, participant};

const NOW: &str = "2047-06-20T12:34:56Z";
/// Rows from here on are younger than eight days.
const CUTOFF: &str = "2047-06-12T12:30:00Z";
const FROM: &str = "2047-05-28T00:00:00Z";
const TO: &str = "2047-06-21T00:00:00Z";
const MERGING: Upkeep = Upkeep { minute_days: 8, ..KEEP };
const EVENTS: usize = 25;
const SEED: u64 = 20_470_620;

fn events() -> Vec<String> {
    (0..EVENTS).map(|number| format!("evt-{number}")).collect()
}

/// Crowded enough that quarters of an hour hold several minutes.
fn participants(random: &mut StdRng, count: usize) -> Vec<Fact> {
    let (from, to) = (instant(FROM), instant(TO));
    let hours: Vec<DateTime<Utc>> =
        (0..40).map(|_| from + TimeDelta::hours(random.random_range(0..(to - from).num_hours()))).collect();
    let events = events();
    (0..count)
        .map(|_| {
            let hour = hours[random.random_range(0..hours.len())];
            let at = hour + TimeDelta::milliseconds(random.random_range(0..3_600_000));
            participant(&events[random.random_range(0..EVENTS)], at)
        })
        .collect()
}

/// The same numbers in both databases; external readings leave such.
async fn add_readings(houses: [&House; 2]) {
    for house in houses {
        let update = r#"UPDATE timeline_data SET views = abs(hashtext(event_id || "timestamp"::text)) % 100,
                        engagement = abs(hashtext("timestamp"::text || event_id)) % 10, conversions = participants % 3"#;
        sqlx::query(update).execute(house.testbed.database()).await.unwrap();
    }
}

type Answers = BTreeMap<(String, String, String), Vec<Bucket>>;

/// What dashboards are told, in zones whose offset is a half, a quarter and a whole hour.
async fn answers(service: &Arc<Service>) -> Answers {
    let ids: Vec<EventId> = events().iter().map(|event| EventId::parse(event).unwrap()).collect();
    let entries: Vec<_> =
        service.events(&Viewer::Open, &ids, With::Nothing).await.unwrap().into_values().collect();
    assert_eq!(entries.len(), EVENTS);
    let range = RangeInput { last: None, from: Some(instant(FROM)), to: Some(instant(TO)) };
    let mut answers = Answers::new();
    for zone in [Tz::UTC, Tz::Asia__Seoul, Tz::Asia__Kathmandu, Tz::Asia__Kolkata] {
        for granularity in [Granularity::Hour, Granularity::Day, Granularity::Week, Granularity::Month] {
            let spec = TimelineSpec { granularity, zone, range, fill_gaps: false, compare_to: None };
            for (event, timeline) in service.timelines(&entries, &spec).await.unwrap() {
                let key = (event.to_string(), zone.name().to_owned(), granularity.to_string());
                answers.insert(key, timeline.unwrap().buckets.clone());
            }
        }
    }
    answers
}

fn assert_equal(merged: &Answers, unmerged: &Answers) {
    for (key, expected) in unmerged {
        assert_eq!(&merged[key], expected, "{key:?}");
    }
    assert_eq!(merged.len(), unmerged.len());
}

async fn count(house: &House, condition: &str) -> i64 {
    let query = format!(r#"SELECT count(*) FROM timeline_data WHERE "timestamp" {condition}"#);
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(house.testbed.database()).await.unwrap()
}

/// Rows that are due and don't begin a quarter of an hour.
async fn unmerged(house: &House) -> i64 {
    let cutoff = instant(CUTOFF).naive_utc();
    count(house, &format!(r#"< '{cutoff}' AND extract(minute FROM "timestamp")::int % 15 <> 0"#)).await
}

/// The table, to the byte.
async fn rows(house: &House) -> Vec<String> {
    let query = r#"SELECT timeline_data::text FROM timeline_data ORDER BY event_id, "timestamp""#;
    sqlx::query_scalar(query).fetch_all(house.testbed.database()).await.unwrap()
}

async fn apply(house: &House, batches: &[Batch]) {
    for batch in batches {
        house.service.apply("cluster", batch).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_old_minutes_changes_no_answer_while_participants_keep_coming() {
    let mut random = StdRng::seed_from_u64(SEED);
    // One that merges, and one that never does and so says what is right.
    let (mut house, mut twin) = (House::at(NOW).await, House::at(NOW).await);
    let descriptions: Vec<Fact> = events().iter().map(|event| described(event, instant(FROM))).collect();
    let first = participants(&mut random, 3_000);
    for house in [&mut house, &mut twin] {
        house.say(descriptions.clone()).await;
        house.say(first.clone()).await;
    }
    add_readings([&house, &twin]).await;
    let before = answers(&house.service).await;
    assert_equal(&before, &answers(&twin.service).await);
    let (all, young) = (count(&house, "IS NOT NULL").await, count(&house, &format!(">= '{CUTOFF}'")).await);
    assert!(unmerged(&house).await > 500, "there is something to merge");

    house.keep(MERGING).await;
    assert_eq!(unmerged(&house).await, 0);
    assert_eq!(count(&house, &format!(">= '{CUTOFF}'")).await, young, "young rows stay as they are");
    assert!(count(&house, "IS NOT NULL").await < all);
    assert_equal(&answers(&house.service).await, &before);

    let merged = rows(&house).await;
    house.keep(MERGING).await;
    assert_eq!(rows(&house).await, merged, "what is merged is left alone");

    let late: Vec<Vec<Fact>> = (0..60).map(|_| participants(&mut random, 40)).collect();
    let batches: Vec<Batch> = late.iter().map(|facts| house.batch(facts.clone())).collect();
    tokio::join!(apply(&house, &batches), async {
        for _ in 0..12 {
            house.keep(MERGING).await;
        }
    });
    for facts in late {
        twin.say(facts).await;
    }
    assert_equal(&answers(&house.service).await, &answers(&twin.service).await);
    house.keep(MERGING).await;
    assert_eq!(unmerged(&house).await, 0);
    assert_equal(&answers(&house.service).await, &answers(&twin.service).await);
}

#[tokio::test]
async fn minutes_are_kept_for_ever_where_their_age_is_0() {
    let mut house = House::at(NOW).await;
    let mut random = StdRng::seed_from_u64(SEED);
    house.say(participants(&mut random, 200)).await;
    let before = rows(&house).await;
    house.keep(KEEP).await;
    assert_eq!(rows(&house).await, before);
}
