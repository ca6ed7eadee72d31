//! Names, types and indexes of the ERD, to the letter.

use std::collections::BTreeSet;

use sea_orm::sqlx::{self, PgPool};
use tests::testbed::Testbed;

/// Name and type.
type Column = (&'static str, &'static str);

const ID: &str = "bigint";
const INTEGER: &str = "integer";
const PERCENT: &str = "numeric(10,2)";
const WON: &str = "numeric(15,2)";
const TIMESTAMP: &str = "timestamp without time zone";

const EVENT_STATS: &[Column] = &[
    ("id", ID),
    ("event_id", "character varying(36)"),
    ("event_title", "character varying(255)"),
    ("user_id", "character varying(36)"),
    ("total_participants", INTEGER),
    ("total_views", INTEGER),
    ("estimated_roi", PERCENT),
    ("target_roi", PERCENT),
    ("sales_growth_rate", PERCENT),
    ("total_investment", WON),
    ("expected_revenue", WON),
    ("status", "character varying(20)"),
    ("created_at", TIMESTAMP),
    ("updated_at", TIMESTAMP),
];

const CHANNEL_STATS: &[Column] = &[
    ("id", ID),
    ("event_id", "character varying(36)"),
    ("channel_name", "character varying(50)"),
    ("channel_type", "character varying(20)"),
    ("impressions", INTEGER),
    ("views", INTEGER),
    ("clicks", INTEGER),
    ("participants", INTEGER),
    ("conversions", INTEGER),
    ("distribution_cost", WON),
    ("likes", INTEGER),
    ("comments", INTEGER),
    ("shares", INTEGER),
    ("total_calls", INTEGER),
    ("completed_calls", INTEGER),
    ("average_duration", INTEGER),
    ("created_at", TIMESTAMP),
    ("updated_at", TIMESTAMP),
];

const TIMELINE_DATA: &[Column] = &[
    ("id", ID),
    ("event_id", "character varying(36)"),
    ("timestamp", TIMESTAMP),
    ("participants", INTEGER),
    ("views", INTEGER),
    ("engagement", INTEGER),
    ("conversions", INTEGER),
    ("cumulative_participants", INTEGER),
    ("created_at", TIMESTAMP),
    ("updated_at", TIMESTAMP),
];

/// Beside the ERD's: the event's revision, and which message or reading a row's description comes from.
const BOOKKEEPING: &[&str] =
    &["revision", "from_distribution", "described_at", "described_by", "cost_read_at", "duration_read_at"];

async fn columns(database: &PgPool, table: &str) -> Vec<(String, String, bool, Option<String>)> {
    let query = "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid) \
                 FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum \
                 WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    sqlx::query_as(query).bind(table).fetch_all(database).await.unwrap()
}

/// `unique btree (a, b)` each.
async fn indexes(database: &PgPool, table: &str) -> BTreeSet<String> {
    let query = "SELECT format('%s%s (%s)', CASE WHEN indisprimary THEN 'primary ' WHEN indisunique THEN 'unique ' END, \
                        amname, string_agg(attname, ', ' ORDER BY place)) \
                 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam \
                 CROSS JOIN unnest(indkey) WITH ORDINALITY AS key (number, place) \
                 JOIN pg_attribute ON attrelid = indrelid AND attnum = number \
                 WHERE indrelid = $1::regclass GROUP BY indexrelid, indisprimary, indisunique, amname";
    let all: Vec<String> = sqlx::query_scalar(query).bind(table).fetch_all(database).await.unwrap();
    all.into_iter().collect()
}

#[tokio::test]
async fn columns_are_those_of_the_erd() {
    let testbed = Testbed::new().await.unwrap();
    let tables =
        [("event_stats", EVENT_STATS), ("channel_stats", CHANNEL_STATS), ("timeline_data", TIMELINE_DATA)];
    for (table, expected) in tables {
        let stored = columns(testbed.database(), table).await;
        let typed: Vec<(&str, &str)> =
            stored.iter().map(|(name, kind, ..)| (name.as_str(), kind.as_str())).collect();
        assert_eq!(&typed[..expected.len()], expected, "{table}");
        for (name, _, not_null, default) in &stored {
            assert!(not_null, "{table}.{name} is nullable");
            if name == "id" {
                let default = default.as_deref().unwrap_or_default();
                assert!(default.starts_with("nextval("), "{table}.id is no BIGSERIAL: {default:?}");
            }
        }
        for (name, _) in &typed[expected.len()..] {
            assert!(BOOKKEEPING.contains(name), "{table}.{name} is not in the ERD");
        }
    }
}

#[tokio::test]
async fn indexes_are_those_of_the_erd() {
    let testbed = Testbed::new().await.unwrap();
    let expected: [(&str, &[&str]); 3] = [
        (
            "event_stats",
            &[
                "primary btree (id)",
                "unique btree (event_id)",
                "btree (user_id)",
                "btree (status)",
                "btree (created_at)",
            ],
        ),
        (
            "channel_stats",
            &[
                "primary btree (id)",
                "unique btree (event_id, channel_name)",
                "btree (event_id)",
                "btree (channel_type)",
                "btree (participants)",
            ],
        ),
        // The B-tree index on (event_id, timestamp) is the unique one.
        (
            "timeline_data",
            &["primary btree (id, timestamp)", "unique btree (event_id, timestamp)", "brin (timestamp)"],
        ),
    ];
    for (table, expected) in expected {
        let stored = indexes(testbed.database(), table).await;
        for index in expected {
            assert!(stored.contains(*index), "{table} lacks {index}; it has {stored:?}");
        }
    }
    // Each partition has them too, those that are made later as well.
    sqlx::query("SELECT ensure_timeline_partition('2040-02-10')").execute(testbed.database()).await.unwrap();
    for partition in ["timeline_data_2040_02", "timeline_data_default"] {
        let stored = indexes(testbed.database(), partition).await;
        assert_eq!(stored, indexes(testbed.database(), "timeline_data").await, "{partition}");
    }
}

#[tokio::test]
async fn the_timeline_has_a_partition_for_each_month_and_a_default() {
    let testbed = Testbed::new().await.unwrap();
    let database = testbed.database();
    let key: String = sqlx::query_scalar("SELECT pg_get_partkeydef('timeline_data'::regclass)")
        .fetch_one(database)
        .await
        .unwrap();
    assert_eq!(key, r#"RANGE ("timestamp")"#);
    sqlx::query("SELECT ensure_timeline_partition('2039-12-31')").execute(database).await.unwrap();
    let bounds: Vec<(String, String)> = sqlx::query_as(
        "SELECT relname::text, pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits \
         JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'timeline_data'::regclass",
    )
    .fetch_all(database)
    .await
    .unwrap();
    let bound =
        |name: &str| bounds.iter().find(|(partition, _)| partition == name).map(|(_, bound)| bound.as_str());
    assert_eq!(bound("timeline_data_default"), Some("DEFAULT"));
    let december = "FOR VALUES FROM ('2039-12-01 00:00:00') TO ('2040-01-01 00:00:00')";
    assert_eq!(bound("timeline_data_2039_12"), Some(december));
    // The running month and three ahead are there from the start.
    assert!(bounds.len() >= 6, "{bounds:?}");
}

#[tokio::test]
async fn nothing_refers_to_another_table() {
    let testbed = Testbed::new().await.unwrap();
    let foreign: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_constraint WHERE contype = 'f'")
        .fetch_one(testbed.database())
        .await
        .unwrap();
    assert_eq!(foreign, 0);
}
