//! Which rows a batch would fill beyond their columns.

use std::collections::HashSet;

use sea_orm::sqlx;

use super::{Batch, fold};
use crate::{
    Error, Service,
    domain::{ChannelName, EventId},
};

/// As a batch is written: counts are added, of views the larger is kept, and an event has those of all its channels.
const OVERFULL: &str = "
WITH sent AS (
    SELECT * FROM unnest($3::text[], $4::text[], $5::bigint[], $6::int[])
        AS sent (event_id, channel_name, participants, views)
), known AS (
    SELECT event_id, channel_name, participants, views, 0 AS more FROM channel_stats
    WHERE event_id IN (SELECT event_id FROM sent)
    UNION ALL SELECT event_id, channel_name, 0, views, participants FROM sent
), channel AS (
    SELECT event_id, sum(participants + more) AS participants, max(views) AS views FROM known
    GROUP BY event_id, channel_name
)
SELECT stored.event_id FROM event_stats AS stored
JOIN unnest($1::text[], $2::bigint[]) AS sent (event_id, participants) ON sent.event_id = stored.event_id
WHERE stored.total_participants + sent.participants > 2147483647
UNION
SELECT event_id FROM channel GROUP BY event_id
HAVING sum(views) > 2147483647 OR max(participants) > 2147483647";

impl Service {
    /// The events whose stored counters can't take what the batch adds to them, as far as that is why it is refused.
    ///
    /// # Errors
    /// What the database says.
    pub async fn overfull(&self, batch: &Batch) -> Result<HashSet<EventId>, Error> {
        let changes = fold::fold(&batch.messages);
        let channels = || changes.channels.values();
        let ids: Vec<String> = sqlx::query_scalar(OVERFULL)
            .bind(changes.events.keys().map(EventId::as_str).collect::<Vec<_>>())
            .bind(changes.events.values().map(|event| event.participants).collect::<Vec<_>>())
            .bind(changes.channels.keys().map(|(event, _)| event.as_str()).collect::<Vec<_>>())
            .bind(changes.channels.keys().map(|(_, name)| ChannelName::as_str(name)).collect::<Vec<_>>())
            .bind(channels().map(|channel| channel.participants).collect::<Vec<_>>())
            .bind(channels().map(|channel| channel.counters[VIEWS]).collect::<Vec<_>>())
            .fetch_all(self.pool())
            .await?;
        Ok(ids.iter().map(|id| EventId::trusted(id)).collect())
    }
}

/// The place of the views among a channel's counters.
const VIEWS: usize = 1;
