//! The statements that write the three tables: one per table and batch, rows in key order.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::NaiveDateTime;
use sea_orm::sqlx::{self, PgConnection};

use super::{
    Commit, Delta,
    fold::{Changes, EventChange, estimated_roi},
};
use crate::{
    Error,
    domain::{EventId, UserId},
};

/// Writes all changes of a batch. Events come first: their row locks, taken in key order, keep every other writer
/// away from the same events' channels and buckets until the transaction ends.
pub(super) async fn write(tx: &mut PgConnection, changes: &Changes) -> Result<Vec<Commit>, Error> {
    if changes.events.is_empty() {
        return Ok(Vec::new());
    }
    let mut commits = events(tx, changes).await?;
    let new_owners = descriptions(tx, changes).await?;
    for commit in &mut commits {
        // An event that changes hands changes two overviews.
        if let Some(owner) = new_owners.get(&commit.event_id)
            && !commit.owners.contains(owner)
        {
            commit.owners.push(owner.clone());
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

/// Most events are there. To find and change their rows costs less than to try to insert them: that finds each twice and
/// writes its lock to the log. Counting touches no indexed column. It tells the owners before the batch.
///
/// Rows are locked in the order of ids, as by whoever else takes several: `join_day` leaves the planner nothing but to
/// look each up in turn.
const EVENTS: &str = "
UPDATE event_stats AS stored SET
    total_participants = stored.total_participants + sent.participants,
    updated_at = greatest(stored.updated_at, sent.updated_at),
    revision = stored.revision + 1,
    created_at = CASE
        WHEN stored.user_id = '' THEN least(stored.created_at, sent.created_at)
        ELSE stored.created_at END
FROM (SELECT * FROM unnest($1::text[], $2::int[], $3::timestamp[], $4::timestamp[])
          AS each (event_id, participants, created_at, updated_at) ORDER BY event_id) AS sent
WHERE stored.event_id = sent.event_id
RETURNING stored.event_id, stored.user_id, stored.revision, stored.total_participants";

/// Makes rows that wait for their description. Another writer may make the same one at this moment.
const NEW_EVENTS: &str = "
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
RETURNING event_id, user_id, revision, total_participants";

/// Event, owner, revision and participants.
type EventRow = (String, String, i64, i32);

async fn events(tx: &mut PgConnection, changes: &Changes) -> Result<Vec<Commit>, Error> {
    let all: Vec<_> = changes.events.iter().collect();
    let mut rows = counted(tx, EVENTS, &all).await?;
    if rows.len() < all.len() {
        let there: HashSet<&str> = rows.iter().map(|(event, ..)| event.as_str()).collect();
        let new: Vec<_> = all.into_iter().filter(|(id, _)| !there.contains(id.as_str())).collect();
        rows.extend(counted(tx, NEW_EVENTS, &new).await?);
    }
    let commits = rows.into_iter().map(|(event, user, revision, participants)| {
        let mut commit = commit(&event, &user, revision);
        commit.delta = Delta::of(changes, &commit.event_id, revision, participants).map(Arc::new);
        commit
    });
    Ok(commits.collect())
}

async fn counted(
    tx: &mut PgConnection,
    statement: &'static str,
    events: &[(&EventId, &EventChange)],
) -> Result<Vec<EventRow>, Error> {
    let all = || events.iter().map(|(_, event)| event);
    let rows = sqlx::query_as(statement)
        .bind(events.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>())
        .bind(all().map(|event| saturate(event.participants)).collect::<Vec<_>>())
        .bind(all().map(|event| event.first_touch).collect::<Vec<_>>())
        .bind(all().map(|event| event.last_touch).collect::<Vec<_>>())
        .fetch_all(tx)
        .await?;
    Ok(rows)
}

/// The rows are there and locked: a batch that describes takes its locks in the same order as one that only counts.
const DESCRIPTIONS: &str = r#"
UPDATE event_stats AS stored SET
    created_at = CASE
        WHEN stored.user_id = '' THEN sent.created_at
        ELSE least(stored.created_at, sent.created_at) END,
    (event_title, user_id, estimated_roi, target_roi, sales_growth_rate, total_investment, expected_revenue, status,
     described_at, described_by) = (
        SELECT newest.* FROM (VALUES
            (sent.title, sent.user_id, sent.estimated_roi, sent.target_roi, sent.growth, sent.investment,
             sent.revenue, sent.status, sent.described_at, sent.described_by COLLATE "C"),
            (stored.event_title, stored.user_id, stored.estimated_roi, stored.target_roi,
             stored.sales_growth_rate, stored.total_investment, stored.expected_revenue, stored.status,
             stored.described_at, stored.described_by)) AS newest (a, b, c, d, e, f, g, h, at, by)
        ORDER BY newest.at DESC, newest.by DESC LIMIT 1)
FROM unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[],
            $8::numeric[], $9::text[], $10::timestamp[], $11::timestamp[], $12::text[])
    AS sent (event_id, title, user_id, estimated_roi, target_roi, growth, investment, revenue, status,
             created_at, described_at, described_by)
WHERE stored.event_id = sent.event_id
RETURNING stored.event_id, stored.user_id"#;

/// Describes events and tells their owners.
async fn descriptions(tx: &mut PgConnection, changes: &Changes) -> Result<HashMap<EventId, UserId>, Error> {
    let described: Vec<_> = changes
        .events
        .iter()
        .filter_map(|(event_id, event)| {
            let ((at, by), fact) = event.description.as_ref()?;
            Some((event_id, event.created_at.unwrap_or(*at), *at, by.as_str(), &**fact))
        })
        .collect();
    if described.is_empty() {
        return Ok(HashMap::new());
    }
    let facts = || described.iter().map(|(.., fact)| *fact);
    let rows: Vec<(String, String)> = sqlx::query_as(DESCRIPTIONS)
        .bind(described.iter().map(|(event_id, ..)| event_id.as_str()).collect::<Vec<_>>())
        .bind(facts().map(|fact| fact.event_title.as_str()).collect::<Vec<_>>())
        .bind(facts().map(|fact| fact.user_id.as_str()).collect::<Vec<_>>())
        .bind(facts().map(estimated_roi).collect::<Vec<_>>())
        .bind(facts().map(|fact| fact.target_roi).collect::<Vec<_>>())
        .bind(facts().map(|fact| fact.sales_growth_rate).collect::<Vec<_>>())
        .bind(facts().map(|fact| fact.total_investment).collect::<Vec<_>>())
        .bind(facts().map(|fact| fact.expected_revenue).collect::<Vec<_>>())
        .bind(facts().map(|fact| fact.status.as_str()).collect::<Vec<_>>())
        .bind(described.iter().map(|(_, created_at, ..)| *created_at).collect::<Vec<_>>())
        .bind(described.iter().map(|(_, _, at, ..)| *at).collect::<Vec<_>>())
        .bind(described.iter().map(|(_, _, _, by, _)| *by).collect::<Vec<_>>())
        .fetch_all(tx)
        .await?;
    Ok(rows.into_iter().map(|(event, user)| (EventId::trusted(&event), UserId::trusted(&user))).collect())
}

/// A commit without buckets.
pub(super) fn commit(event: &str, user: &str, revision: i64) -> Commit {
    Commit {
        event_id: EventId::trusted(event),
        owners: if user.is_empty() { Vec::new() } else { vec![UserId::trusted(user)] },
        revision,
        changed_from: None,
        committed_at: None,
        delta: None,
    }
}

/// More than an INTEGER in one batch is refused by the column's own addition.
pub(super) fn saturate(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Whether the batch knows better what a channel is: a distribution outranks a participant, then the newer wins.
macro_rules! newer {
    () => {
        r#"(sent.distributed, sent.at, sent.by COLLATE "C")
            > (stored.from_distribution, stored.described_at, stored.described_by)"#
    };
}

/// The channels of a batch, of which the last three columns are the claim.
macro_rules! sent_channels {
    () => {
        "unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::numeric[], $6::int[],
            $7::int[], $8::int[], $9::int[], $10::int[], $11::int[], $12::int[], $13::int[], $14::int[], $15::int[],
            $16::timestamp[], $17::timestamp[], $18::bool[], $19::timestamp[], $20::text[])
        AS sent (event_id, channel_name, channel_type, participants, cost, duration,
            impressions, views, clicks, conversions, likes, comments, shares, total_calls, completed_calls,
            created_at, updated_at, distributed, at, by)"
    };
}

/// Cost and average duration are those of the newest distribution, unless a reading is newer.
const CHANNELS: &str = concat!(
    "
UPDATE channel_stats AS stored SET
    participants = stored.participants + sent.participants,
    impressions = greatest(stored.impressions, sent.impressions),
    views = greatest(stored.views, sent.views),
    clicks = greatest(stored.clicks, sent.clicks),
    conversions = greatest(stored.conversions, sent.conversions),
    likes = greatest(stored.likes, sent.likes),
    comments = greatest(stored.comments, sent.comments),
    shares = greatest(stored.shares, sent.shares),
    total_calls = greatest(stored.total_calls, sent.total_calls),
    completed_calls = greatest(stored.completed_calls, sent.completed_calls),
    created_at = least(stored.created_at, sent.created_at),
    updated_at = greatest(stored.updated_at, sent.updated_at),
    from_distribution = stored.from_distribution OR sent.distributed,
    distribution_cost = CASE WHEN sent.distributed AND stored.cost_read_at < sent.at AND ",
    newer!(),
    " THEN sent.cost ELSE stored.distribution_cost END,
    average_duration = CASE WHEN sent.distributed AND stored.duration_read_at < sent.at AND ",
    newer!(),
    " THEN sent.duration ELSE stored.average_duration END,
    channel_type = CASE WHEN ",
    newer!(),
    " THEN sent.channel_type ELSE stored.channel_type END,
    described_at = CASE WHEN ",
    newer!(),
    " THEN sent.at ELSE stored.described_at END,
    described_by = CASE WHEN ",
    newer!(),
    " THEN sent.by ELSE stored.described_by END
FROM ",
    sent_channels!(),
    " WHERE stored.event_id = sent.event_id AND stored.channel_name = sent.channel_name"
);

/// Their event's row is locked: what is not there now, nobody else makes.
const NEW_CHANNELS: &str = concat!(
    "
INSERT INTO channel_stats (
    event_id, channel_name, channel_type, participants, distribution_cost, average_duration,
    impressions, views, clicks, conversions, likes, comments, shares, total_calls, completed_calls,
    created_at, updated_at, from_distribution, described_at, described_by)
SELECT * FROM ",
    sent_channels!(),
    " ORDER BY 1, 2 ON CONFLICT (event_id, channel_name) DO NOTHING"
);

async fn channels(tx: &mut PgConnection, changes: &Changes) -> Result<(), Error> {
    if changes.channels.is_empty() {
        return Ok(());
    }
    let stored = write_channels(tx, CHANNELS, changes).await?;
    if usize::try_from(stored).is_ok_and(|stored| stored < changes.channels.len()) {
        write_channels(tx, NEW_CHANNELS, changes).await?;
    }
    Ok(())
}

/// How many rows were written.
async fn write_channels(
    tx: &mut PgConnection,
    statement: &'static str,
    changes: &Changes,
) -> Result<u64, Error> {
    let all = || changes.channels.values();
    let mut query = sqlx::query(statement)
        .bind(changes.channels.keys().map(|(event, _)| event.as_str()).collect::<Vec<_>>())
        .bind(changes.channels.keys().map(|(_, name)| name.as_str()).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.channel_type.as_str()).collect::<Vec<_>>())
        .bind(all().map(|channel| saturate(channel.participants)).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.distribution_cost).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.average_duration).collect::<Vec<_>>());
    for counter in 0..9 {
        query = query.bind(all().map(|channel| channel.counters[counter]).collect::<Vec<_>>());
    }
    let written = query
        .bind(all().map(|channel| channel.first_touch).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.last_touch).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.claim.0).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.claim.1).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.claim.2.as_str()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(written.rows_affected())
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

/// `running` is the batch's own sum up to and including the bucket: what it adds to the cumulative count of that bucket
/// and of every later one before the batch's next.
///
/// Both parts see the rows as they were before the batch. So a bucket is either new, and goes on from the one before it,
/// or is there, and grows; nothing that the first part makes is counted by the second. Their event's row is locked: what
/// is not there now, nobody else makes.
const BUCKETS: &str = r#"
WITH sent AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::timestamp[], $3::timestamp[], $4::int[], $5::int[], $6::timestamp[],
                         $7::timestamp[])
        AS each (event_id, start, next, participants, running, created_at, updated_at)
), made AS (
    INSERT INTO timeline_data (
        event_id, "timestamp", participants, cumulative_participants, created_at, updated_at)
    SELECT event_id, start, participants,
           running + coalesce((
               SELECT earlier.cumulative_participants FROM timeline_data AS earlier
               WHERE earlier.event_id = sent.event_id AND earlier."timestamp" < sent.start
               ORDER BY earlier."timestamp" DESC LIMIT 1), 0),
           created_at, updated_at
    FROM sent
    WHERE (SELECT TRUE FROM timeline_data AS same
           WHERE same.event_id = sent.event_id AND same."timestamp" = sent.start LIMIT 1) IS NULL
    ORDER BY 1, 2
)
UPDATE timeline_data AS stored SET
    cumulative_participants = stored.cumulative_participants + sent.running,
    participants = stored.participants
        + CASE WHEN stored."timestamp" = sent.start THEN sent.participants ELSE 0 END,
    created_at = CASE WHEN stored."timestamp" = sent.start
        THEN least(stored.created_at, sent.created_at) ELSE stored.created_at END,
    updated_at = CASE WHEN stored."timestamp" = sent.start
        THEN greatest(stored.updated_at, sent.updated_at) ELSE stored.updated_at END
FROM sent
WHERE stored.event_id = sent.event_id AND stored."timestamp" >= sent.start
  AND stored."timestamp" < coalesce(sent.next, 'infinity')"#;

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
        .bind(events)
        .bind(starts)
        .bind(nexts)
        .bind(participants)
        .bind(runnings)
        .bind(first_touches)
        .bind(last_touches)
        .execute(tx)
        .await?;
    Ok(())
}
