//! What channels' external APIs say becomes rows, in one transaction per event.
//!
//! Counters only rise. What a reading adds to the timeline is what lies between it and the reading before, whatever
//! messages have raised meanwhile: so messages may arrive before or after it. The cost and the average duration are those
//! of the newest statement, for which a channel keeps the time of the reading beside that of the distribution.

use std::time::Duration;

use chrono::{NaiveDateTime, SubsecRound as _};
use rust_decimal::Decimal;
use sea_orm::sqlx::{self, PgConnection};

use super::{
    Commit, fold,
    merge::{Growth, LAST, Merged, Stored, merge},
    rows,
};
use crate::{
    Error, Service,
    channel_api::{COUNTERS, Reading, fresh_for, kept_out, slowness},
    domain::{ChannelName, EventId},
};

/// What an API said of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Its metrics.
    Reading(Reading),
    /// That it does not know it: what messages say is all there is.
    Unknown,
}

/// A channel that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadChannel {
    pub channel_name: ChannelName,
    pub sent: Sent,
}

/// What became of an event's readings.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// To be published; `None` where the event is no more.
    pub commit: Option<Commit>,
    /// Readings that contradict what is stored, and what they say.
    pub refused: Vec<(ChannelName, &'static str)>,
}

/// Of a message and a reading of the same instant, the reading stands.
const ROWS: &str = "
SELECT channel_name,
       ARRAY[impressions, stored.views, clicks, stored.conversions, stored.likes, stored.comments, stored.shares,
             total_calls, completed_calls],
       ARRAY[last.views, last.conversions, last.likes, last.comments, last.shares],
       average_duration, distribution_cost,
       duration_read_at <= $3 AND (NOT from_distribution OR described_at <= $3),
       cost_read_at <= $3 AND (NOT from_distribution OR described_at <= $3)
FROM channel_stats AS stored LEFT JOIN channel_reading AS last USING (event_id, channel_name)
WHERE event_id = $1 AND channel_name = ANY($2)
ORDER BY channel_name";

type Row = (String, Vec<i32>, Vec<Option<i32>>, i32, Decimal, bool, bool);

const CHANNELS: &str = "
UPDATE channel_stats AS stored SET
    impressions = sent.impressions, views = sent.views, clicks = sent.clicks, conversions = sent.conversions,
    likes = sent.likes, comments = sent.comments, shares = sent.shares, total_calls = sent.total_calls,
    completed_calls = sent.completed_calls,
    average_duration = coalesce(sent.duration, stored.average_duration),
    duration_read_at = CASE WHEN sent.duration IS NULL THEN stored.duration_read_at ELSE $2 END,
    distribution_cost = coalesce(sent.cost, stored.distribution_cost),
    cost_read_at = CASE WHEN sent.cost IS NULL THEN stored.cost_read_at ELSE $2 END,
    updated_at = CASE WHEN sent.is_change THEN greatest(stored.updated_at, $2) ELSE stored.updated_at END
FROM unnest($3::text[], $4::int[], $5::numeric[], $6::bool[], $7::int[], $8::int[], $9::int[], $10::int[], $11::int[],
            $12::int[], $13::int[], $14::int[], $15::int[])
    AS sent (channel_name, duration, cost, is_change, impressions, views, clicks, conversions, likes, comments, shares,
             total_calls, completed_calls)
WHERE stored.event_id = $1 AND stored.channel_name = sent.channel_name";

/// Where the API does not know the channel, that is all that is noted of it.
const READINGS: &str = "
INSERT INTO channel_reading AS stored (
    event_id, channel_name, read_at, fresh_until, views, conversions, likes, comments, shares)
SELECT $1, sent.channel_name, CASE WHEN is_known THEN $2 END, $3, views, conversions, likes, comments, shares
FROM unnest($4::text[], $5::bool[], $6::int[], $7::int[], $8::int[], $9::int[], $10::int[])
    AS sent (channel_name, is_known, views, conversions, likes, comments, shares)
ORDER BY 2
ON CONFLICT (event_id, channel_name) DO UPDATE SET
    read_at = greatest(stored.read_at, excluded.read_at),
    fresh_until = greatest(stored.fresh_until, excluded.fresh_until),
    views = coalesce(excluded.views, stored.views),
    conversions = coalesce(excluded.conversions, stored.conversions),
    likes = coalesce(excluded.likes, stored.likes),
    comments = coalesce(excluded.comments, stored.comments),
    shares = coalesce(excluded.shares, stored.shares)";

const EVENT: &str = "
UPDATE event_stats SET
    revision = revision + 1,
    updated_at = CASE WHEN $3 THEN greatest(updated_at, $2) ELSE updated_at END,
    total_views = coalesce((SELECT sum(views) FROM channel_stats WHERE channel_stats.event_id = $1), 0)
WHERE event_id = $1
RETURNING revision";

/// A bucket that nobody registered in goes on from the one before it.
const BUCKET: &str = r#"
INSERT INTO timeline_data AS stored (
    event_id, "timestamp", views, engagement, conversions, cumulative_participants, created_at, updated_at)
SELECT $1, $2, $3, $4, $5, coalesce((
           SELECT earlier.cumulative_participants FROM timeline_data AS earlier
           WHERE earlier.event_id = $1 AND earlier."timestamp" < $2 ORDER BY earlier."timestamp" DESC LIMIT 1), 0),
       $6, $6
ON CONFLICT (event_id, "timestamp") DO UPDATE SET
    views = stored.views + excluded.views,
    engagement = stored.engagement + excluded.engagement,
    conversions = stored.conversions + excluded.conversions,
    created_at = least(stored.created_at, excluded.created_at),
    updated_at = greatest(stored.updated_at, excluded.updated_at)"#;

/// The next turn comes an interval from now, whoever asked for this one.
const QUEUE: &str = "
UPDATE event_refresh SET
    unchanged = $2, revision = $3, due_at = (clock_timestamp() AT TIME ZONE 'UTC') + $4 * (1 + random() / 10)
WHERE event_id = $1";

impl Service {
    /// Stores what APIs have just said of an event's channels; `interval` is how often active events are read. Channels
    /// that are no more are passed over.
    ///
    /// # Errors
    /// What the database says; of kind `Data` where a sum would pass its column's range. Then nothing is stored.
    pub(crate) async fn apply_readings(
        &self,
        id: &EventId,
        read: &[ReadChannel],
        interval: Duration,
    ) -> Result<Applied, Error> {
        let now = self.clock().now();
        // As exact as the column.
        let at = now.naive_utc().trunc_subsecs(6);
        let mut tx = self.pool().begin().await?;
        // The same lock as a batch's, so revision order is commit order and no writer is at the event's rows.
        let event: Option<(String, i64)> =
            sqlx::query_as("SELECT user_id, revision FROM event_stats WHERE event_id = $1 FOR UPDATE")
                .bind(id.as_str())
                .fetch_optional(&mut *tx)
                .await?;
        let Some((owner, revision)) = event else { return Ok(Applied::default()) };

        let mut applied = Applied::default();
        let mut merged: Vec<(String, Merged)> = Vec::new();
        let mut unknown: Vec<String> = Vec::new();
        for (name, stored) in stored(&mut tx, id, read, at).await? {
            match read.iter().find(|one| one.channel_name.as_str() == name).map(|one| &one.sent) {
                Some(Sent::Reading(reading)) => match merge(&stored, reading) {
                    Ok(channel) => merged.push((name, channel)),
                    Err(what) => applied.refused.push((ChannelName::trusted(&name), what)),
                },
                Some(Sent::Unknown) => unknown.push(name),
                None => {}
            }
        }
        for (name, channel) in &merged {
            for counter in &channel.kept_out {
                kept_out(COUNTERS[*counter]);
                tracing::info!(event_id = %id, channel_name = %name, counter = COUNTERS[*counter],
                    "a reading is lower than what is stored and is kept out");
            }
        }

        let is_change = merged.iter().any(|(_, channel)| channel.is_change);
        let (unchanged, slowness) = quiet(&mut tx, id, is_change, revision).await?;
        let fresh_until = now.naive_utc() + fresh_for(interval, slowness);
        channels(&mut tx, id, &merged, at).await?;
        readings(&mut tx, id, &merged, &unknown, at, fresh_until).await?;
        let revision: i64 =
            sqlx::query_scalar(EVENT).bind(id.as_str()).bind(at).bind(is_change).fetch_one(&mut *tx).await?;
        let growth: Growth = merged.iter().map(|(_, channel)| channel.growth).sum();
        let mut commit = rows::commit(id.as_str(), &owner, revision);
        if growth != Growth::default() {
            let bucket = fold::minute(now);
            sqlx::query(BUCKET)
                .bind(id.as_str())
                .bind(bucket)
                .bind(rows::saturate(growth.views))
                .bind(rows::saturate(growth.engagement))
                .bind(rows::saturate(growth.conversions))
                .bind(at)
                .execute(&mut *tx)
                .await?;
            commit.changed_from = Some(bucket.and_utc());
        }
        sqlx::query(QUEUE)
            .bind(id.as_str())
            .bind(unchanged)
            .bind(revision)
            .bind(interval * slowness)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        commit.committed_at = Some(self.clock().now());
        applied.commit = Some(commit);
        Ok(applied)
    }
}

async fn stored(
    tx: &mut PgConnection,
    id: &EventId,
    read: &[ReadChannel],
    at: NaiveDateTime,
) -> Result<Vec<(String, Stored)>, Error> {
    let names: Vec<&str> = read.iter().map(|one| one.channel_name.as_str()).collect();
    let rows: Vec<Row> = sqlx::query_as(ROWS).bind(id.as_str()).bind(names).bind(at).fetch_all(tx).await?;
    rows.into_iter()
        .map(|(name, counters, last, average_duration, distribution_cost, takes_duration, takes_cost)| {
            let unread = || Error::Unknown { column: "counters" };
            Ok((
                name,
                Stored {
                    counters: counters.try_into().map_err(|_| unread())?,
                    last: last.try_into().map_err(|_| unread())?,
                    average_duration,
                    distribution_cost,
                    takes_duration,
                    takes_cost,
                },
            ))
        })
        .collect()
}

/// How many readings in a row have changed nothing, with this one, and how slowly the event is read then. Messages that
/// came since the last one end the quiet.
async fn quiet(
    tx: &mut PgConnection,
    id: &EventId,
    is_change: bool,
    revision: i64,
) -> Result<(i16, u32), Error> {
    let queued: Option<(i16, i64)> =
        sqlx::query_as("SELECT unchanged, revision FROM event_refresh WHERE event_id = $1")
            .bind(id.as_str())
            .fetch_optional(tx)
            .await?;
    let unchanged = match queued {
        Some((unchanged, seen)) if !is_change && seen == revision => unchanged.saturating_add(1),
        _ => 0,
    };
    Ok((unchanged, slowness(unchanged)))
}

async fn channels(
    tx: &mut PgConnection,
    id: &EventId,
    merged: &[(String, Merged)],
    at: NaiveDateTime,
) -> Result<(), Error> {
    let sent: Vec<&(String, Merged)> = merged.iter().filter(|(_, channel)| channel.has_effect()).collect();
    if sent.is_empty() {
        return Ok(());
    }
    let all = || sent.iter().map(|(_, channel)| channel);
    let mut query = sqlx::query(CHANNELS)
        .bind(id.as_str())
        .bind(at)
        .bind(sent.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.average_duration).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.distribution_cost).collect::<Vec<_>>())
        .bind(all().map(|channel| channel.is_change).collect::<Vec<_>>());
    for counter in 0..COUNTERS.len() {
        query = query.bind(all().map(|channel| channel.counters[counter]).collect::<Vec<_>>());
    }
    query.execute(tx).await?;
    Ok(())
}

async fn readings(
    tx: &mut PgConnection,
    id: &EventId,
    merged: &[(String, Merged)],
    unknown: &[String],
    at: NaiveDateTime,
    fresh_until: NaiveDateTime,
) -> Result<(), Error> {
    let known = merged.iter().map(|(name, channel)| (name.as_str(), Some(&channel.last)));
    let all: Vec<_> = known.chain(unknown.iter().map(|name| (name.as_str(), None))).collect();
    if all.is_empty() {
        return Ok(());
    }
    let mut query = sqlx::query(READINGS)
        .bind(id.as_str())
        .bind(at)
        .bind(fresh_until)
        .bind(all.iter().map(|(name, _)| *name).collect::<Vec<_>>())
        .bind(all.iter().map(|(_, last)| last.is_some()).collect::<Vec<_>>());
    for place in 0..LAST.len() {
        let values = all.iter().map(|(_, last)| last.and_then(|last| last[place]));
        query = query.bind(values.collect::<Vec<_>>());
    }
    query.execute(tx).await?;
    Ok(())
}
