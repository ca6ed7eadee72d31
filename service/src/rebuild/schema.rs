//! The schema of the fresh tables.

use chrono::{DateTime, DurationRound, NaiveDateTime, TimeDelta, Utc};
use sea_orm::sqlx::{self, AssertSqlSafe, Executor as _, PgConnection};

use crate::{Error, Upkeep, upkeep};

const DROP: &str = "DROP SCHEMA IF EXISTS pulsegate_rebuild CASCADE";

/// The events of any of the tables, live or fresh, after one of them.
pub(super) const EVENTS_AFTER: &str = "
SELECT event_id FROM (
    (SELECT event_id FROM event_stats WHERE event_id > $1 ORDER BY event_id LIMIT $2)
    UNION (SELECT event_id FROM pulsegate_rebuild.event_stats WHERE event_id > $1 ORDER BY event_id LIMIT $2)
    UNION (SELECT DISTINCT event_id FROM channel_stats WHERE event_id > $1 ORDER BY event_id LIMIT $2)
    UNION (SELECT DISTINCT event_id FROM timeline_data WHERE event_id > $1 ORDER BY event_id LIMIT $2)
) AS known ORDER BY event_id LIMIT $2";

/// The tables that a batch is applied to, where `apply` finds them before the live ones. They are not partitioned, so
/// the functions that make partitions have nothing to do; the day that messages are seen on never ends, so all ids are
/// told apart by one index. Ids come from a sequence of their own: filling leaves no trace in the live ones.
const TABLES: &str = "
CREATE SCHEMA pulsegate_rebuild;
CREATE SEQUENCE pulsegate_rebuild.ids;
CREATE UNLOGGED TABLE pulsegate_rebuild.event_stats (LIKE {live}.event_stats INCLUDING ALL) WITH (fillfactor = 70);
CREATE UNLOGGED TABLE pulsegate_rebuild.channel_stats (LIKE {live}.channel_stats INCLUDING ALL) WITH (fillfactor = 70);
CREATE UNLOGGED TABLE pulsegate_rebuild.timeline_data (LIKE {live}.timeline_data INCLUDING ALL) WITH (fillfactor = 70);
CREATE UNLOGGED TABLE pulsegate_rebuild.consumer_position (LIKE {live}.consumer_position INCLUDING ALL);
CREATE UNLOGGED TABLE pulsegate_rebuild.processed_message (LIKE {live}.processed_message INCLUDING ALL);
CREATE UNLOGGED TABLE pulsegate_rebuild.installation (LIKE {live}.installation INCLUDING ALL);
ALTER TABLE pulsegate_rebuild.event_stats ALTER id SET DEFAULT nextval('pulsegate_rebuild.ids');
ALTER TABLE pulsegate_rebuild.channel_stats ALTER id SET DEFAULT nextval('pulsegate_rebuild.ids');
ALTER TABLE pulsegate_rebuild.timeline_data ALTER id SET DEFAULT nextval('pulsegate_rebuild.ids');
INSERT INTO pulsegate_rebuild.installation SELECT * FROM {live}.installation;
UPDATE pulsegate_rebuild.installation SET seen_on = '9999-12-31';
CREATE FUNCTION pulsegate_rebuild.ensure_timeline_partition(day DATE) RETURNS BOOLEAN LANGUAGE sql
    AS 'SELECT FALSE';
CREATE FUNCTION pulsegate_rebuild.ensure_processed_partition(day DATE) RETURNS VOID LANGUAGE sql
    AS 'SELECT NULL';
CREATE UNLOGGED TABLE pulsegate_rebuild.replacement (
    event_id TEXT, start TIMESTAMP, participants INTEGER, views INTEGER, engagement INTEGER, conversions INTEGER,
    cumulative_participants INTEGER, created_at TIMESTAMP, updated_at TIMESTAMP);
";

/// What is stored, and what should be, with the same columns.
///
/// Readings of external channels are in no message. So a channel's counters are the larger of both, its cost and average
/// duration are the stored ones where a reading that named them is newer than its last distribution, and the timeline's
/// views, engagement and conversions are the stored ones. Where no reading can have touched a row, it should be exactly
/// what its messages give.
///
/// Minutes that may have been merged are compared by quarters of an hour: a merged quarter and its minutes are equal.
const VIEWS: &str = r#"
CREATE VIEW pulsegate_rebuild.stored_channel AS
SELECT event_id, channel_name, channel_type, impressions, views, clicks, participants, conversions, distribution_cost,
       likes, comments, shares, total_calls, completed_calls, average_duration, created_at, updated_at,
       from_distribution, described_at, described_by
FROM {live}.channel_stats;

CREATE VIEW pulsegate_rebuild.expected_channel AS
SELECT fresh.event_id, fresh.channel_name, fresh.channel_type,
       greatest(fresh.impressions, stored.impressions) AS impressions,
       greatest(fresh.views, stored.views) AS views,
       greatest(fresh.clicks, stored.clicks) AS clicks,
       fresh.participants,
       greatest(fresh.conversions, stored.conversions) AS conversions,
       CASE WHEN stored.cost_read_at > '-infinity'
             AND (NOT fresh.from_distribution OR stored.cost_read_at >= fresh.described_at)
            THEN stored.distribution_cost ELSE fresh.distribution_cost END AS distribution_cost,
       greatest(fresh.likes, stored.likes) AS likes,
       greatest(fresh.comments, stored.comments) AS comments,
       greatest(fresh.shares, stored.shares) AS shares,
       greatest(fresh.total_calls, stored.total_calls) AS total_calls,
       greatest(fresh.completed_calls, stored.completed_calls) AS completed_calls,
       CASE WHEN stored.duration_read_at > '-infinity'
             AND (NOT fresh.from_distribution OR stored.duration_read_at >= fresh.described_at)
            THEN stored.average_duration ELSE fresh.average_duration END AS average_duration,
       fresh.created_at, greatest(fresh.updated_at, stored.updated_at) AS updated_at,
       fresh.from_distribution, fresh.described_at, fresh.described_by
FROM pulsegate_rebuild.channel_stats AS fresh
LEFT JOIN {live}.channel_stats AS stored ON stored.event_id = fresh.event_id AND stored.channel_name = fresh.channel_name;

CREATE VIEW pulsegate_rebuild.stored_event AS
SELECT event_id, event_title, user_id, total_participants, total_views, estimated_roi, target_roi, sales_growth_rate,
       total_investment, expected_revenue, status, created_at, updated_at, described_at, described_by
FROM {live}.event_stats;

CREATE VIEW pulsegate_rebuild.expected_event AS
SELECT fresh.event_id, fresh.event_title, fresh.user_id, fresh.total_participants,
       coalesce((SELECT sum(channel.views) FROM pulsegate_rebuild.expected_channel AS channel
                 WHERE channel.event_id = fresh.event_id), 0)::int AS total_views,
       fresh.estimated_roi, fresh.target_roi, fresh.sales_growth_rate, fresh.total_investment,
       fresh.expected_revenue, fresh.status, fresh.created_at,
       greatest(fresh.updated_at, stored.updated_at) AS updated_at, fresh.described_at, fresh.described_by
FROM pulsegate_rebuild.event_stats AS fresh
LEFT JOIN {live}.event_stats AS stored ON stored.event_id = fresh.event_id;

CREATE FUNCTION pulsegate_rebuild.bucket(at TIMESTAMP) RETURNS TIMESTAMP LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN at < '{merged}' THEN date_bin('15 minutes', at, 'epoch') ELSE at END $$;

CREATE VIEW pulsegate_rebuild.stored_bucket AS
SELECT event_id, pulsegate_rebuild.bucket("timestamp") AS start, sum(participants)::int AS participants,
       sum(views)::int AS views, sum(engagement)::int AS engagement, sum(conversions)::int AS conversions,
       max(cumulative_participants) AS cumulative_participants, min(created_at) AS created_at,
       max(updated_at) AS updated_at
FROM {live}.timeline_data WHERE "timestamp" >= '{kept}' GROUP BY 1, 2;

CREATE VIEW pulsegate_rebuild.expected_bucket AS
SELECT * FROM (
    SELECT event_id, start, sum(participants)::int AS participants, sum(views)::int AS views,
           sum(engagement)::int AS engagement, sum(conversions)::int AS conversions,
           (sum(sum(participants)) OVER (PARTITION BY event_id ORDER BY start))::int AS cumulative_participants,
           min(created_at) AS created_at, max(updated_at) AS updated_at
    FROM (
        SELECT event_id, pulsegate_rebuild.bucket("timestamp") AS start, participants, 0 AS views, 0 AS engagement,
               0 AS conversions, created_at, updated_at
        FROM pulsegate_rebuild.timeline_data
        UNION ALL
        SELECT event_id, pulsegate_rebuild.bucket("timestamp"), 0, views, engagement, conversions, created_at,
               updated_at
        FROM {live}.timeline_data WHERE views <> 0 OR engagement <> 0 OR conversions <> 0
    ) AS parts GROUP BY 1, 2
) AS buckets WHERE start >= '{kept}';
"#;

/// Makes the tables, anew; returns the search path that finds them first.
pub(super) async fn make(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
    upkeep: &Upkeep,
) -> Result<String, Error> {
    let live: String =
        sqlx::query_scalar("SELECT quote_ident(current_schema())").fetch_one(&mut *connection).await?;
    drop(connection).await?;
    let text = format!("{TABLES}{VIEWS}")
        .replace("{live}", &live)
        .replace("{merged}", &literal(merged_before(now, upkeep)))
        .replace("{kept}", &literal(kept_from(now, upkeep)));
    // Made of this file's own text, a quoted name and two instants.
    connection.execute(sqlx::raw_sql(AssertSqlSafe(text))).await?;
    Ok(format!("pulsegate_rebuild,{live}"))
}

pub(super) async fn drop(connection: &mut PgConnection) -> Result<(), Error> {
    connection.execute(sqlx::raw_sql(DROP)).await?;
    Ok(())
}

/// Minutes before this may have been merged.
fn merged_before(now: DateTime<Utc>, upkeep: &Upkeep) -> Option<NaiveDateTime> {
    if upkeep.minute_days == 0 {
        return None;
    }
    let age = TimeDelta::days(i64::from(upkeep.minute_days));
    let cutoff = now.checked_sub_signed(age)?.naive_utc();
    Some(cutoff.duration_trunc(TimeDelta::minutes(15)).unwrap_or(cutoff))
}

/// Months that end before this may have been dropped.
fn kept_from(now: DateTime<Utc>, upkeep: &Upkeep) -> Option<NaiveDateTime> {
    let first_day = upkeep::first_kept(now, upkeep.timeline_retention?);
    Some(upkeep::month(first_day).and_time(chrono::NaiveTime::MIN))
}

fn literal(at: Option<NaiveDateTime>) -> String {
    at.map_or_else(|| "-infinity".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DAY: u64 = 86_400;

    fn upkeep(minute_days: u32, retention_days: Option<u64>) -> Upkeep {
        Upkeep {
            minute_days,
            merge_eagerly: true,
            timeline_retention: retention_days.map(|days| Duration::from_secs(days * DAY)),
            processed_retention: Duration::from_secs(30 * DAY),
        }
    }

    #[test]
    fn whole_quarters_and_whole_months_are_told_apart() {
        let now = "2026-03-10T12:34:56Z".parse().unwrap();
        assert_eq!(literal(merged_before(now, &upkeep(8, None))), "2026-03-02 12:30:00");
        assert_eq!(literal(merged_before(now, &upkeep(0, None))), "-infinity");
        assert_eq!(literal(kept_from(now, &upkeep(8, Some(30)))), "2026-02-01 00:00:00");
        assert_eq!(literal(kept_from(now, &upkeep(8, None))), "-infinity");
    }
}
