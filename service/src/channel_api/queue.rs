//! The queue of events to read, shared by any number of processes. Claiming an event is putting its next turn off: so
//! nobody else reads it meanwhile, and where the claimer dies, its next turn comes all the same.

use std::time::Duration;

use sea_orm::sqlx;

use crate::{
    Error, Service,
    domain::{ChannelType, EventId},
};

/// One process at a time looks for events that begin or end.
const ENROL_LOCK: i64 = 0x65_6e72_6f6c;
/// So many readings in a row that change nothing make an event a quiet one, twice as many a very quiet one.
const QUIET_AFTER: i16 = 5;

/// How many times the interval passes from one reading of an event to the next.
pub(crate) const fn slowness(unchanged: i16) -> u32 {
    if unchanged < QUIET_AFTER {
        1
    } else if unchanged < 2 * QUIET_AFTER {
        2
    } else {
        4
    }
}

/// Turns are put off by a tenth at most beyond the interval, never below it: so events that begin together drift apart,
/// and none is read twice in an interval. Chance comes in as a number, and each event makes its own share of it.
const CLAIM: &str = "
UPDATE event_refresh AS queued
SET due_at = (clock_timestamp() AT TIME ZONE 'UTC')
    + $1 * (CASE WHEN unchanged < $2 THEN 1 WHEN unchanged < 2 * $2 THEN 2 ELSE 4 END)
         * (1 + (hashtextextended(queued.event_id, $4) & 1023)::float8 / 10230)
FROM (
    SELECT event_id FROM event_refresh WHERE due_at <= clock_timestamp() AT TIME ZONE 'UTC'
    ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
) AS due
WHERE queued.event_id = due.event_id
RETURNING queued.event_id";

const ENROL: &str = "
INSERT INTO event_refresh (event_id, due_at)
SELECT event_id, clock_timestamp() AT TIME ZONE 'UTC' FROM event_stats
WHERE status = 'ACTIVE' AND user_id <> ''
  AND NOT EXISTS (SELECT FROM event_refresh AS queued WHERE queued.event_id = event_stats.event_id)
  AND EXISTS (SELECT FROM channel_stats AS channel
              WHERE channel.event_id = event_stats.event_id AND channel.channel_type = ANY($1))
ORDER BY event_id ON CONFLICT DO NOTHING";

const DISMISS: &str = "
DELETE FROM event_refresh AS queued WHERE NOT EXISTS (
    SELECT FROM event_stats WHERE event_stats.event_id = queued.event_id AND status = 'ACTIVE')";

/// Messages end the quiet.
const WAKE: &str = "
UPDATE event_refresh AS queued
SET unchanged = 0, due_at = least(due_at, (clock_timestamp() AT TIME ZONE 'UTC')
    + $1 * ((hashtextextended(queued.event_id, $3) & 1023)::float8 / 1023))
FROM event_stats
WHERE event_stats.event_id = queued.event_id AND queued.unchanged >= $2 AND event_stats.revision > queued.revision";

impl Service {
    /// Claims up to `limit` events whose turn has come; `chance` is another number each time.
    pub(super) async fn claim(
        &self,
        interval: Duration,
        limit: usize,
        chance: i64,
    ) -> Result<Vec<EventId>, Error> {
        let ids: Vec<String> = sqlx::query_scalar(CLAIM)
            .bind(interval)
            .bind(QUIET_AFTER)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(chance)
            .fetch_all(self.pool())
            .await?;
        Ok(ids.iter().map(|id| EventId::trusted(id)).collect())
    }

    /// Queues the active events that have channels of these types, dismisses the others, and wakes quiet ones of which
    /// there are messages; `chance` is another number each time.
    pub(super) async fn enrol(
        &self,
        kinds: &[ChannelType],
        interval: Duration,
        chance: i64,
    ) -> Result<(), Error> {
        let mut tx = self.pool().begin().await?;
        let mine: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
            .bind(ENROL_LOCK)
            .fetch_one(&mut *tx)
            .await?;
        if mine {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
            sqlx::query(ENROL).bind(kinds).execute(&mut *tx).await?;
            sqlx::query(DISMISS).execute(&mut *tx).await?;
            sqlx::query(WAKE).bind(interval).bind(QUIET_AFTER).bind(chance).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
