//! The statements that write the three tables: one per table and batch, rows in key order.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use rust_decimal::Decimal;
use sea_orm::sqlx::{self, PgConnection};

use super::{
    Commit,
    fold::{Changes, estimated_roi},
};
use crate::{
    Error,
    domain::{EventId, EventStatus, UserId},
};

/// Writes all changes of a batch. Events come first: their row locks, taken in key order, keep every other writer
/// away from the same events' channels and buckets until the transaction ends.
pub(super) async fn write(tx: &mut PgConnection, changes: &Changes) -> Result<Vec<Commit>, Error> {
    if changes.events.is_empty() {
        return Ok(Vec::new());
    }
    let former_owners = former_owners(tx, changes).await?;
    let mut commits = events(tx, changes).await?;
    for commit in &mut commits {
        if let Some(former) = former_owners.get(&commit.event_id)
            && !commit.owners.contains(former)
        {
            commit.owners.push(former.clone());
        }
        commit.changed_from = changes
            .events
            .get(&commit.event_id)
            .and_then(|event| event.buckets.keys().next())
            .map(NaiveDateTime::and_utc);
    }
    channels(tx, changes).await?;
    total_views(tx, changes).await?;
    timeline(tx, changes).await?;
    Ok(commits)
}

/// The owners before this batch, where it describes events: an event that changes hands changes two overviews.
async fn former_owners(tx: &mut PgConnection, changes: &Changes) -> Result<HashMap<EventId, UserId>, Error> {
    if changes.events.values().all(|event| event.description.is_none()) {
        return Ok(HashMap::new());
    }
    let ids: Vec<&str> = changes.events.keys().map(EventId::as_str).collect();
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT event_id, user_id FROM event_stats WHERE event_id = ANY($1) ORDER BY event_id FOR UPDATE",
    )
    .bind(ids)
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .filter(|(_, user)| !user.is_empty())
        .map(|(event, user)| (EventId::trusted(&event), UserId::trusted(&user)))
        .collect())
}

const EVENTS: &str = "
INSERT INTO event_stats AS stored (
    event_id, event_title, user_id, total_participants, estimated_roi, target_roi, sales_growth_rate,
    total_investment, expected_revenue, status, created_at, updated_at, revision, described_at, described_by)
SELECT event_id, title, user_id, participants, estimated_roi, target_roi, growth, investment, revenue, status,
       created_at, updated_at, 1, coalesce(described_at, '-infinity'), described_by
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::numeric[], $6::numeric[], $7::numeric[],
            $8::numeric[], $9::numeric[], $10::text[], $11::timestamp[], $12::timestamp[], $13::timestamp[],
            $14::text[])
    AS sent (event_id, title, user_id, participants, estimated_roi, target_roi, growth, investment, revenue, status,
             created_at, updated_at, described_at, described_by)
ORDER BY event_id
ON CONFLICT (event_id) DO UPDATE SET
    total_participants = stored.total_participants + excluded.total_participants,
    updated_at = greatest(stored.updated_at, excluded.updated_at),
    revision = stored.revision + 1,
    created_at = CASE
        WHEN (stored.user_id <> '') = (excluded.user_id <> '') THEN least(stored.created_at, excluded.created_at)
        WHEN excluded.user_id <> '' THEN excluded.created_at
        ELSE stored.created_at END,
    (event_title, user_id, estimated_roi, target_roi, sales_growth_rate, total_investment, expected_revenue, status,
     described_at, described_by) = (
        SELECT newest.* FROM (VALUES
            (excluded.event_title, excluded.user_id, excluded.estimated_roi, excluded.target_roi,
             excluded.sales_growth_rate, excluded.total_investment, excluded.expected_revenue, excluded.status,
             excluded.described_at, excluded.described_by),
            (stored.event_title, stored.user_id, stored.estimated_roi, stored.target_roi,
             stored.sales_growth_rate, stored.total_investment, stored.expected_revenue, stored.status,
             stored.described_at, stored.described_by)) AS newest (a, b, c, d, e, f, g, h, at, by)
        ORDER BY newest.at DESC, newest.by DESC LIMIT 1)
RETURNING event_id, user_id, revision";

/// The same for a batch that describes nothing, which most are: counting alone touches no indexed column.
const EVENT_COUNTS: &str = "
INSERT INTO event_stats AS stored (
    event_id, event_title, user_id, total_participants, created_at, updated_at, revision)
SELECT event_id, '', '', participants, created_at, updated_at, 1
FROM unnest($1::text[], $2::int[], $3::timestamp[], $4::timestamp[])
    AS sent (event_id, participants, created_at, updated_at)
ORDER BY event_id
ON CONFLICT (event_id) DO UPDATE SET
    total_participants = stored.total_participants + excluded.total_participants,
    updated_at = greatest(stored.updated_at, excluded.updated_at),
    revision = stored.revision + 1,
    created_at = CASE
        WHEN stored.user_id = '' THEN least(stored.created_at, excluded.created_at)
        ELSE stored.created_at END
RETURNING event_id, user_id, revision";

async fn events(tx: &mut PgConnection, changes: &Changes) -> Result<Vec<Commit>, Error> {
    let ids: Vec<&str> = changes.events.keys().map(EventId::as_str).collect();
    let participants: Vec<i32> = changes.events.values().map(|event| saturate(event.participants)).collect();
    let created: Vec<NaiveDateTime> =
        changes.events.values().map(|event| event.created_at.unwrap_or(event.first_touch)).collect();
    let updated: Vec<NaiveDateTime> = changes.events.values().map(|event| event.last_touch).collect();
    let described: Vec<_> = changes.events.values().map(|event| event.description.as_ref()).collect();
    let rows: Vec<(String, String, i64)> = if described.iter().all(Option::is_none) {
        sqlx::query_as(EVENT_COUNTS)
            .bind(ids)
            .bind(participants)
            .bind(created)
            .bind(updated)
            .fetch_all(tx)
            .await?
    } else {
        let text = |of: fn(&super::EventCreated) -> &str| -> Vec<&str> {
            described.iter().map(|described| described.map_or("", |(_, fact)| of(fact))).collect()
        };
        let number = |of: fn(&super::EventCreated) -> Decimal| -> Vec<Decimal> {
            described.iter().map(|described| described.map_or(Decimal::ZERO, |(_, fact)| of(fact))).collect()
        };
        sqlx::query_as(EVENTS)
            .bind(ids)
            .bind(text(|fact| &fact.event_title))
            .bind(text(|fact| fact.user_id.as_str()))
            .bind(participants)
            .bind(number(estimated_roi))
            .bind(number(|fact| fact.target_roi))
            .bind(number(|fact| fact.sales_growth_rate))
            .bind(number(|fact| fact.total_investment))
            .bind(number(|fact| fact.expected_revenue))
            .bind(
                described
                    .iter()
                    .map(|described| described.map_or(EventStatus::Active, |(_, fact)| fact.status).as_str())
                    .collect::<Vec<_>>(),
            )
            .bind(created)
            .bind(updated)
            .bind(described.iter().map(|described| described.map(|((at, _), _)| *at)).collect::<Vec<_>>())
            .bind(
                described
                    .iter()
                    .map(|described| described.map_or("", |((_, by), _)| by.as_str()))
                    .collect::<Vec<_>>(),
            )
            .fetch_all(tx)
            .await?
    };
    Ok(rows.into_iter().map(|(event, user, revision)| commit(&event, &user, revision)).collect())
}

/// A commit without buckets.
pub(super) fn commit(event: &str, user: &str, revision: i64) -> Commit {
    Commit {
        event_id: EventId::trusted(event),
        owners: if user.is_empty() { Vec::new() } else { vec![UserId::trusted(user)] },
        revision,
        changed_from: None,
    }
}

/// More than an INTEGER in one batch is refused by the column's own addition.
fn saturate(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

const CHANNELS: &str = "
INSERT INTO channel_stats AS stored (
    event_id, channel_name, channel_type, participants, distribution_cost, average_duration,
    impressions, views, clicks, conversions, likes, comments, shares, total_calls, completed_calls,
    created_at, updated_at, from_distribution, described_at, described_by)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::numeric[], $6::int[],
    $7::int[], $8::int[], $9::int[], $10::int[], $11::int[], $12::int[], $13::int[], $14::int[], $15::int[],
    $16::timestamp[], $17::timestamp[], $18::bool[], $19::timestamp[], $20::text[])
ORDER BY 1, 2
ON CONFLICT (event_id, channel_name) DO UPDATE SET
    participants = stored.participants + excluded.participants,
    impressions = greatest(stored.impressions, excluded.impressions),
    views = greatest(stored.views, excluded.views),
    clicks = greatest(stored.clicks, excluded.clicks),
    conversions = greatest(stored.conversions, excluded.conversions),
    likes = greatest(stored.likes, excluded.likes),
    comments = greatest(stored.comments, excluded.comments),
    shares = greatest(stored.shares, excluded.shares),
    total_calls = greatest(stored.total_calls, excluded.total_calls),
    completed_calls = greatest(stored.completed_calls, excluded.completed_calls),
    created_at = least(stored.created_at, excluded.created_at),
    updated_at = greatest(stored.updated_at, excluded.updated_at),
    (channel_type, distribution_cost, average_duration, from_distribution, described_at, described_by) = (
        SELECT newest.* FROM (VALUES
            (excluded.channel_type, excluded.distribution_cost, excluded.average_duration,
             excluded.from_distribution, excluded.described_at, excluded.described_by),
            (stored.channel_type, stored.distribution_cost, stored.average_duration,
             stored.from_distribution, stored.described_at, stored.described_by))
            AS newest (kind, cost, duration, distributed, at, by)
        ORDER BY newest.distributed DESC, newest.at DESC, newest.by DESC LIMIT 1)";

async fn channels(tx: &mut PgConnection, changes: &Changes) -> Result<(), Error> {
    if changes.channels.is_empty() {
        return Ok(());
    }
    let all = || changes.channels.values();
    let mut query = sqlx::query(CHANNELS)
        .bind(changes.channels.keys().map(|(event, _)| event.as_str()).collect::<Vec<_>>())
        .bind(changes.channels.keys().map(|(_, name)| name.as_str()).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.channel_type.as_str()).collect::<Vec<_>>())
        .bind(all().map(|channel| saturate(channel.participants)).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.distribution_cost).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.average_duration).collect::<Vec<_>>());
    for counter in 0..9 {
        query = query.bind(all().map(|channel| channel.counters[counter]).collect::<Vec<_>>());
    }
    query
        .bind(all().map(|channel| channel.first_touch).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.last_touch).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.claim.0).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.claim.1).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.claim.2.as_str()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// The sum is taken anew rather than moved on, so that it can't drift from its parts.
async fn total_views(tx: &mut PgConnection, changes: &Changes) -> Result<(), Error> {
    let ids: Vec<&str> = changes
        .events
        .iter()
        .filter(|(_, event)| event.distributed)
        .map(|(event_id, _)| event_id.as_str())
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE event_stats AS stored SET total_views = summed.views FROM ( \
             SELECT event_id, sum(views) AS views FROM channel_stats WHERE event_id = ANY($1) GROUP BY event_id \
         ) AS summed WHERE stored.event_id = summed.event_id AND stored.total_views <> summed.views",
    )
    .bind(ids)
    .execute(tx)
    .await?;
    Ok(())
}

/// `running` is the batch's own sum up to and including the bucket. The bucket before it, as it was before the
/// batch, gives the rest.
const BUCKETS: &str = r#"
INSERT INTO timeline_data AS stored (
    event_id, "timestamp", participants, cumulative_participants, created_at, updated_at)
SELECT event_id, start, participants,
       running + coalesce((
           SELECT earlier.cumulative_participants FROM timeline_data AS earlier
           WHERE earlier.event_id = sent.event_id AND earlier."timestamp" < sent.start
           ORDER BY earlier."timestamp" DESC LIMIT 1), 0),
       created_at, updated_at
FROM unnest($1::text[], $2::timestamp[], $3::int[], $4::int[], $5::timestamp[], $6::timestamp[])
    AS sent (event_id, start, participants, running, created_at, updated_at)
ORDER BY 1, 2
ON CONFLICT (event_id, "timestamp") DO UPDATE SET
    participants = stored.participants + excluded.participants,
    cumulative_participants = excluded.cumulative_participants + stored.participants,
    created_at = least(stored.created_at, excluded.created_at),
    updated_at = greatest(stored.updated_at, excluded.updated_at)"#;

/// Late participants raise the cumulative count of every later bucket, each by what the batch has put before it.
const LATER_BUCKETS: &str = r#"
UPDATE timeline_data AS later SET cumulative_participants = later.cumulative_participants + sent.running
FROM unnest($1::text[], $2::timestamp[], $3::timestamp[], $4::int[]) AS sent (event_id, start, next, running)
WHERE later.event_id = sent.event_id AND later."timestamp" > sent.start
  AND later."timestamp" < coalesce(sent.next, 'infinity')"#;

async fn timeline(tx: &mut PgConnection, changes: &Changes) -> Result<(), Error> {
    let mut events = Vec::new();
    let mut starts = Vec::new();
    let mut nexts = Vec::new();
    let mut participants = Vec::new();
    let mut runnings = Vec::new();
    let mut first_touches = Vec::new();
    let mut last_touches = Vec::new();
    for (event_id, event) in &changes.events {
        let mut running = 0;
        let mut buckets = event.buckets.iter().peekable();
        while let Some((start, bucket)) = buckets.next() {
            running += bucket.participants;
            events.push(event_id.as_str());
            starts.push(*start);
            nexts.push(buckets.peek().map(|(next, _)| **next));
            participants.push(saturate(bucket.participants));
            runnings.push(saturate(running));
            first_touches.push(bucket.first_touch);
            last_touches.push(bucket.last_touch);
        }
    }
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query(BUCKETS)
        .bind(&events)
        .bind(&starts)
        .bind(participants)
        .bind(&runnings)
        .bind(first_touches)
        .bind(last_touches)
        .execute(&mut *tx)
        .await?;
    sqlx::query(LATER_BUCKETS).bind(events).bind(starts).bind(nexts).bind(runnings).execute(tx).await?;
    Ok(())
}
