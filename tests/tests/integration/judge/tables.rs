//! What the tables hold.

use std::collections::BTreeMap;
use std::fmt::Debug;

use sea_orm::sqlx::{self, PgPool, Row as _};

use super::reference::{Bucket, Channel, Event, Tables};

pub(crate) async fn read(database: &PgPool) -> Tables {
    let events = sqlx::query("SELECT * FROM event_stats").fetch_all(database).await.unwrap();
    let channels = sqlx::query("SELECT * FROM channel_stats").fetch_all(database).await.unwrap();
    let buckets = sqlx::query("SELECT * FROM timeline_data").fetch_all(database).await.unwrap();
    let (rows, keys) = (events.len() + channels.len() + buckets.len(), |tables: &Tables| {
        tables.events.len() + tables.channels.len() + tables.buckets.len()
    });
    let tables = Tables {
        events: events.iter().map(event).collect(),
        channels: channels.iter().map(channel).collect(),
        buckets: buckets.iter().map(bucket).collect(),
    };
    assert_eq!(rows, keys(&tables), "two rows have the same natural key");
    tables
}

fn event(row: &sqlx::postgres::PgRow) -> (String, Event) {
    let title: String = row.get("event_title");
    let event = Event {
        user: row.get("user_id"),
        participants: row.get("total_participants"),
        views: row.get("total_views"),
        estimated_roi: row.get("estimated_roi"),
        target_roi: row.get("target_roi"),
        sales_growth_rate: row.get("sales_growth_rate"),
        investment: row.get("total_investment"),
        revenue: row.get("expected_revenue"),
        status: row.get("status"),
        described: !title.is_empty(),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        title,
    };
    (row.get("event_id"), event)
}

fn channel(row: &sqlx::postgres::PgRow) -> ((String, String), Channel) {
    let channel = Channel {
        kind: row.get("channel_type"),
        impressions: row.get("impressions"),
        views: row.get("views"),
        clicks: row.get("clicks"),
        participants: row.get("participants"),
        conversions: row.get("conversions"),
        cost: row.get("distribution_cost"),
        likes: row.get("likes"),
        comments: row.get("comments"),
        shares: row.get("shares"),
        total_calls: row.get("total_calls"),
        completed_calls: row.get("completed_calls"),
        average_duration: row.get("average_duration"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    };
    ((row.get("event_id"), row.get("channel_name")), channel)
}

fn bucket(row: &sqlx::postgres::PgRow) -> ((String, chrono::NaiveDateTime), Bucket) {
    let bucket = Bucket {
        participants: row.get("participants"),
        views: row.get("views"),
        engagement: row.get("engagement"),
        conversions: row.get("conversions"),
        cumulative_participants: row.get("cumulative_participants"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    };
    ((row.get("event_id"), row.get("timestamp")), bucket)
}

/// What differs, a line each; the first few are enough.
pub(crate) fn differences(stored: &Tables, expected: &Tables) -> Vec<String> {
    let mut all = Vec::new();
    compare("event_stats", &stored.events, &expected.events, &mut all);
    compare("channel_stats", &stored.channels, &expected.channels, &mut all);
    compare("timeline_data", &stored.buckets, &expected.buckets, &mut all);
    all
}

fn compare<K: Ord + Debug, V: PartialEq + Debug>(
    table: &str,
    stored: &BTreeMap<K, V>,
    expected: &BTreeMap<K, V>,
    differences: &mut Vec<String>,
) {
    for (key, expected) in expected {
        match stored.get(key) {
            Some(stored) if stored == expected => {}
            Some(stored) => {
                differences.push(format!("{table} {key:?}\n  holds    {stored:?}\n  expected {expected:?}"));
            }
            None => differences.push(format!("{table} {key:?} is missing")),
        }
    }
    let strangers = stored.keys().filter(|key| !expected.contains_key(key));
    differences.extend(strangers.map(|key| format!("{table} {key:?} should not be there")));
}
