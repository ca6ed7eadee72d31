//! What the tables hold.

use sea_orm::sqlx::{self, PgPool};

/// Events, and how many of them have a timeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) events: usize,
    pub(crate) with_timeline: usize,
}

/// As the goals are stated.
pub(crate) const WHOLE: Size = Size { events: 10_000, with_timeline: 2_000 };
/// A tenth of it, events and points.
pub(crate) const TENTH: Size = Size { events: 1_000, with_timeline: 200 };

/// The id of the first event. Ids are numbers, so that pgbench can count them out.
pub(crate) const FIRST_EVENT: usize = 100_001;
/// The id of the first user.
pub(crate) const FIRST_USER: usize = 500_001;
/// Events of a user.
pub(crate) const EVENTS_OF_A_USER: usize = 10;
/// The days that the points are about, an hour each: from the first to before the last.
pub(crate) const FROM: &str = "2026-09-01T00:00:00Z";
pub(crate) const TO: &str = "2026-10-01T00:00:00Z";
/// The beginning of the last 168 hours of them.
pub(crate) const LAST_WEEK: &str = "2026-09-24T00:00:00Z";

/// Fills empty tables. Everything follows from the numbers of the events, so that every run has the same.
pub(crate) async fn fill(database: &PgPool, size: Size) -> anyhow::Result<()> {
    let last = FIRST_EVENT + size.events - 1;
    let last_with_timeline = FIRST_EVENT + size.with_timeline - 1;
    let numbers = |statement: &'static str, last: usize| {
        let (first, last) = (i64::try_from(FIRST_EVENT)?, i64::try_from(last)?);
        anyhow::Ok(sqlx::query(statement).bind(first).bind(last))
    };
    numbers(EVENTS, last)?
        .bind(i64::try_from(EVENTS_OF_A_USER)?)
        .bind(i64::try_from(FIRST_USER)?)
        .execute(database)
        .await?;
    numbers(CHANNELS, last)?.execute(database).await?;
    sqlx::query("SELECT ensure_timeline_partition(DATE '2026-09-01')").execute(database).await?;
    numbers(POINTS, last_with_timeline)?.execute(database).await?;
    // In the state that autovacuum would bring them to.
    for table in ["event_stats", "channel_stats", "timeline_data"] {
        sqlx::query(sqlx::AssertSqlSafe(format!("VACUUM (ANALYZE) {table}"))).execute(database).await?;
    }
    sqlx::query("CHECKPOINT").execute(database).await?;
    Ok(())
}

const EVENTS: &str = "
INSERT INTO event_stats (event_id, event_title, user_id, total_participants, total_views, estimated_roi, target_roi,
    sales_growth_rate, total_investment, expected_revenue, created_at, updated_at, revision, described_at, described_by)
SELECT n::text, '새해 경품 이벤트 ' || n, ($4 + (n - $1) / $3)::text, 1000 + n % 977, 40000 + n % 7919,
    n * 7919 % 100000 / 100.0, 150, 12.5, 1000000 + n * 7877 % 4000000, 1200000 + n * 104729 % 12000000,
    '2026-08-20'::timestamp + n * interval '1 second', '2026-10-01', 1, '2026-08-20', n::text
FROM generate_series($1, $2) AS n ORDER BY n * 7919 % 10007";

const CHANNELS: &str = "
INSERT INTO channel_stats (event_id, channel_name, channel_type, impressions, views, clicks, participants, conversions,
    distribution_cost, likes, comments, shares, total_calls, completed_calls, average_duration, created_at, updated_at,
    from_distribution, described_at, described_by)
SELECT n::text, name, type, 120000 + n % 7919, 10000 + n % 1979, 2000 + n % 397, 250 + n % 241, 40 + n % 37,
    500000 + n % 99991, 300 + n % 83, 40 + n % 31, 20 + n % 17, 500 + n % 101, 300 + n % 97, 40 + n % 29,
    '2026-08-20', '2026-10-01', TRUE, '2026-08-20', n::text
FROM generate_series($1, $2) AS n,
    (VALUES ('우리동네TV', 'TV'), ('인스타그램', 'SNS'), ('네이버블로그', 'SNS'), ('링고비즈', 'VOICE')) AS channel (name, type)
ORDER BY n * 7919 % 10007";

/// Hour by hour, as time brings them: an event's points lie far from each other.
const POINTS: &str = r#"
INSERT INTO timeline_data (event_id, "timestamp", participants, views, engagement, conversions, cumulative_participants,
    created_at, updated_at)
SELECT n::text, at, 1 + n % 3, 50 + n % 41, 5 + n % 7, n % 2, (1 + n % 3) * (hour + 1), at, at
FROM generate_series(0, 719) AS hour,
    LATERAL (SELECT '2026-09-01'::timestamp + hour * interval '1 hour' AS at) AS clock,
    generate_series($1, $2) AS n
ORDER BY hour, n"#;
