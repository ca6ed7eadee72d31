//! What the tables refuse, whoever writes.

use sea_orm::sqlx::{self, AssertSqlSafe, PgPool};
use tests::testbed::Testbed;

/// The SQLSTATE of a refusal.
async fn set(database: &PgPool, table: &str, column: &str, value: &str) -> Option<String> {
    let update = format!("UPDATE {table} SET {column} = {value}");
    let outcome = sqlx::query(AssertSqlSafe(update)).execute(database).await;
    outcome.err().map(|error| error.as_database_error().unwrap().code().unwrap().into_owned())
}

const CHECK: &str = "23514";
const UNIQUE: &str = "23505";
const OUT_OF_RANGE: &str = "22003";
const TOO_LONG: &str = "22001";

#[tokio::test]
async fn the_erds_checks_hold_and_refuse_nothing_else() {
    let testbed = Testbed::new().await.unwrap();
    let database = testbed.database();
    let fill = "INSERT INTO event_stats (event_id, event_title, user_id) VALUES ('evt', 't', 'u'); \
                INSERT INTO channel_stats (event_id, channel_name, channel_type, total_calls) VALUES ('evt', 'c', 'TV', 5)";
    sqlx::raw_sql(fill).execute(database).await.unwrap();
    let refused = [
        ("event_stats", "total_participants", "-1", CHECK),
        ("event_stats", "estimated_roi", "-0.01", CHECK),
        ("event_stats", "total_investment", "-0.01", CHECK),
        ("event_stats", "status", "'PLANNED'", CHECK),
        ("event_stats", "status", "'active'", CHECK),
        ("event_stats", "target_roi", "100000000", OUT_OF_RANGE),
        ("event_stats", "expected_revenue", "10000000000000", OUT_OF_RANGE),
        ("event_stats", "event_id", "repeat('가', 37)", TOO_LONG),
        ("event_stats", "event_title", "repeat('가', 256)", TOO_LONG),
        ("channel_stats", "channel_type", "'RADIO'", CHECK),
        ("channel_stats", "completed_calls", "6", CHECK),
        ("channel_stats", "channel_name", "repeat('가', 51)", TOO_LONG),
    ];
    for (table, column, value, code) in refused {
        assert_eq!(
            set(database, table, column, value).await.as_deref(),
            Some(code),
            "{table}.{column} = {value}"
        );
    }
    let taken = [
        ("event_stats", "total_participants", "2147483647"),
        ("event_stats", "target_roi", "-99999999.99"),
        ("event_stats", "sales_growth_rate", "-99999999.99"),
        ("event_stats", "expected_revenue", "-9999999999999.99"),
        ("event_stats", "total_investment", "9999999999999.99"),
        ("event_stats", "estimated_roi", "0"),
        ("event_stats", "status", "'ENDED'"),
        ("event_stats", "status", "'ARCHIVED'"),
        ("event_stats", "event_id", "repeat('가', 36)"),
        ("event_stats", "event_title", "repeat('가', 255)"),
        ("channel_stats", "channel_type", "'SNS'"),
        ("channel_stats", "channel_type", "'VOICE'"),
        ("channel_stats", "completed_calls", "5"),
        ("channel_stats", "channel_name", "repeat('가', 50)"),
    ];
    for (table, column, value) in taken {
        assert_eq!(set(database, table, column, value).await, None, "{table}.{column} = {value}");
    }
}

#[tokio::test]
async fn natural_keys_are_unique() {
    let testbed = Testbed::new().await.unwrap();
    let inserts = [
        "INSERT INTO event_stats (event_id, event_title, user_id) VALUES ('evt', 't', 'u')",
        "INSERT INTO channel_stats (event_id, channel_name, channel_type) VALUES ('evt', 'c', 'TV')",
        r#"INSERT INTO timeline_data (event_id, "timestamp") VALUES ('evt', '2026-01-05 00:00')"#,
        r#"INSERT INTO timeline_data (event_id, "timestamp") VALUES ('evt', '1999-01-05 00:00')"#,
    ];
    for insert in inserts {
        sqlx::query(insert).execute(testbed.database()).await.unwrap();
        let error = sqlx::query(insert).execute(testbed.database()).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().unwrap(), UNIQUE, "{insert}");
    }
}
