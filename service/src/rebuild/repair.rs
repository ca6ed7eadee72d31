//! Putting the right rows in the place of the wrong ones.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use sea_orm::sqlx::{self, PgConnection};

use crate::{
    Error,
    domain::{EventId, UserId},
    ingest::Commit,
};

/// A row that lacks messages may have taken the place of one that was lost, and begun to count its revisions anew: then
/// they go on beyond any that the lost one can have had.
const EVENTS: &str = "
INSERT INTO event_stats AS stored (
    event_id, event_title, user_id, total_participants, total_views, estimated_roi, target_roi, sales_growth_rate,
    total_investment, expected_revenue, status, created_at, updated_at, described_at, described_by, revision)
SELECT event_id, event_title, user_id, total_participants, total_views, estimated_roi, target_roi, sales_growth_rate,
       total_investment, expected_revenue, status, created_at, updated_at, described_at, described_by,
       greatest($2, (SELECT max(revision) FROM event_stats)) + 1
FROM pulsegate_rebuild.expected_event WHERE event_id = ANY($1) ORDER BY event_id
ON CONFLICT (event_id) DO UPDATE SET
    (event_title, user_id, total_participants, total_views, estimated_roi, target_roi, sales_growth_rate,
     total_investment, expected_revenue, status, created_at, updated_at, described_at, described_by, revision) =
    (excluded.event_title, excluded.user_id, excluded.total_participants, excluded.total_views,
     excluded.estimated_roi, excluded.target_roi, excluded.sales_growth_rate, excluded.total_investment,
     excluded.expected_revenue, excluded.status, excluded.created_at, excluded.updated_at, excluded.described_at,
     excluded.described_by,
     CASE WHEN stored.total_participants < excluded.total_participants OR stored.described_at < excluded.described_at
          THEN greatest(stored.revision + 1, excluded.revision) ELSE stored.revision + 1 END)
RETURNING event_id, user_id, revision";

const SURPLUS_EVENTS: &str = "
DELETE FROM event_stats AS stored WHERE event_id = ANY($1)
  AND NOT EXISTS (SELECT FROM pulsegate_rebuild.event_stats AS fresh WHERE fresh.event_id = stored.event_id)
RETURNING event_id, user_id, revision + 1";

const SURPLUS_CHANNELS: &str = "
DELETE FROM channel_stats AS stored WHERE event_id = ANY($1) AND NOT EXISTS (
    SELECT FROM pulsegate_rebuild.channel_stats AS fresh
    WHERE fresh.event_id = stored.event_id AND fresh.channel_name = stored.channel_name)";

const CHANNELS: &str = "
INSERT INTO channel_stats (
    event_id, channel_name, channel_type, impressions, views, clicks, participants, conversions, distribution_cost,
    likes, comments, shares, total_calls, completed_calls, average_duration, created_at, updated_at,
    from_distribution, described_at, described_by)
SELECT expected.* FROM pulsegate_rebuild.expected_channel AS expected
LEFT JOIN pulsegate_rebuild.stored_channel AS stored
    ON stored.event_id = expected.event_id AND stored.channel_name = expected.channel_name
WHERE expected.event_id = ANY($1) AND expected.* IS DISTINCT FROM stored.*
ORDER BY 1, 2
ON CONFLICT (event_id, channel_name) DO UPDATE SET
    (channel_type, impressions, views, clicks, participants, conversions, distribution_cost, likes, comments, shares,
     total_calls, completed_calls, average_duration, created_at, updated_at, from_distribution, described_at,
     described_by) =
    (excluded.channel_type, excluded.impressions, excluded.views, excluded.clicks, excluded.participants,
     excluded.conversions, excluded.distribution_cost, excluded.likes, excluded.comments, excluded.shares,
     excluded.total_calls, excluded.completed_calls, excluded.average_duration, excluded.created_at,
     excluded.updated_at, excluded.from_distribution, excluded.described_at, excluded.described_by)";

/// Set aside before anything is deleted: the stored rows hold readings that the right rows keep. Without participants:
/// the bucket should not be there.
const REPLACEMENTS: &str = "
INSERT INTO pulsegate_rebuild.replacement
SELECT event_id, start, expected.participants, expected.views, expected.engagement, expected.conversions,
       expected.cumulative_participants, expected.created_at, expected.updated_at
FROM (SELECT * FROM pulsegate_rebuild.expected_bucket WHERE event_id = ANY($1)) AS expected
FULL JOIN (SELECT * FROM pulsegate_rebuild.stored_bucket WHERE event_id = ANY($1)) AS stored USING (event_id, start)
WHERE (expected.participants, expected.views, expected.engagement, expected.conversions,
       expected.cumulative_participants, expected.created_at, expected.updated_at)
   IS DISTINCT FROM (stored.participants, stored.views, stored.engagement, stored.conversions,
       stored.cumulative_participants, stored.created_at, stored.updated_at)";

/// A bucket is a minute or a quarter of an hour; the second bound is there for the index.
const WRONG_BUCKETS: &str = r#"
DELETE FROM timeline_data AS stored USING pulsegate_rebuild.replacement
WHERE stored.event_id = replacement.event_id AND pulsegate_rebuild.bucket(stored."timestamp") = replacement.start
  AND stored."timestamp" >= replacement.start AND stored."timestamp" < replacement.start + INTERVAL '15 minutes'"#;

const RIGHT_BUCKETS: &str = r#"
INSERT INTO timeline_data (event_id, "timestamp", participants, views, engagement, conversions,
                           cumulative_participants, created_at, updated_at)
SELECT event_id, start, participants, views, engagement, conversions, cumulative_participants, created_at, updated_at
FROM pulsegate_rebuild.replacement WHERE participants IS NOT NULL ORDER BY 1, 2"#;

fn texts(events: &[EventId]) -> Vec<&str> {
    events.iter().map(EventId::as_str).collect()
}

/// The same locks in the same order as a writer's.
pub(super) async fn lock(tx: &mut PgConnection, events: &[EventId]) -> Result<(), Error> {
    sqlx::query("SELECT event_id FROM event_stats WHERE event_id = ANY($1) ORDER BY event_id FOR UPDATE")
        .bind(texts(events))
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn repair(
    tx: &mut PgConnection,
    events: &[EventId],
    messages: i64,
) -> Result<Vec<Commit>, Error> {
    let ids = texts(events);
    let former: Vec<(String, String)> =
        sqlx::query_as("SELECT event_id, user_id FROM event_stats WHERE event_id = ANY($1)")
            .bind(&ids)
            .fetch_all(&mut *tx)
            .await?;
    sqlx::query("TRUNCATE pulsegate_rebuild.replacement").execute(&mut *tx).await?;
    sqlx::query(REPLACEMENTS).bind(&ids).execute(&mut *tx).await?;
    let mut touched: Vec<(String, String, i64)> =
        sqlx::query_as(EVENTS).bind(&ids).bind(messages).fetch_all(&mut *tx).await?;
    let surplus: Vec<(String, String, i64)> =
        sqlx::query_as(SURPLUS_EVENTS).bind(&ids).fetch_all(&mut *tx).await?;
    for statement in [SURPLUS_CHANNELS, CHANNELS] {
        sqlx::query(statement).bind(&ids).execute(&mut *tx).await?;
    }
    for statement in [WRONG_BUCKETS, RIGHT_BUCKETS] {
        sqlx::query(statement).execute(&mut *tx).await?;
    }
    let changed_from: Vec<(String, NaiveDateTime)> =
        sqlx::query_as("SELECT event_id, min(start) FROM pulsegate_rebuild.replacement GROUP BY 1")
            .fetch_all(&mut *tx)
            .await?;
    touched.extend(surplus);
    Ok(commits(touched, &former, changed_from))
}

/// An event that changes hands changes two overviews.
fn commits(
    touched: Vec<(String, String, i64)>,
    former: &[(String, String)],
    changed_from: Vec<(String, NaiveDateTime)>,
) -> Vec<Commit> {
    let former: HashMap<&str, &str> =
        former.iter().map(|(event, user)| (event.as_str(), user.as_str())).collect();
    let changed_from: HashMap<String, NaiveDateTime> = changed_from.into_iter().collect();
    touched
        .into_iter()
        .map(|(event, user, revision)| {
            let mut owners = vec![user.as_str()];
            owners.extend(former.get(event.as_str()).filter(|owner| **owner != user));
            Commit {
                event_id: EventId::trusted(&event),
                owners: owners.into_iter().filter(|owner| !owner.is_empty()).map(UserId::trusted).collect(),
                revision,
                changed_from: changed_from.get(&event).map(NaiveDateTime::and_utc),
                committed_at: None,
                delta: None,
            }
        })
        .collect()
}
