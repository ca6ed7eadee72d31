use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::{
    Value,
    sqlx::{self, postgres::PgRow},
};
use serde::{Deserialize, Serialize};

use super::columns::Columns;
use crate::{
    Error, Service,
    cache::{self, Labelled, Source},
    domain::{Channel, ChannelName, ChannelType, Event, EventId, EventStatus, Revision, UserId, Viewer},
};

/// An event that the viewer may see, with its channels where they are known already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventEntry {
    /// The event.
    pub event: Event,
    /// Its channels by name. `None`: not read yet, see [`Service::channels`].
    pub channels: Option<Arc<[Channel]>>,
}

/// The columns that [`event`] reads, in the order of the entity's.
macro_rules! event_columns {
    () => {
        "id, event_id, event_title, user_id, total_participants, total_views, estimated_roi, target_roi, \
         sales_growth_rate, total_investment, expected_revenue, status, created_at, updated_at, revision"
    };
}

/// Described events by their ids.
macro_rules! described {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            event_columns!(),
            " FROM event_stats WHERE event_id = ANY($1) AND user_id <> ''",
            $rest
        )
    };
}

/// Reads an event, and goes on to what stands behind it.
pub(super) fn event(columns: &mut Columns<'_>) -> Result<Event, Error> {
    let _id: i64 = columns.next()?;
    Ok(Event {
        event_id: EventId::trusted(columns.next()?),
        title: columns.next()?,
        user_id: UserId::trusted(columns.next()?),
        total_participants: columns.next()?,
        total_views: columns.next()?,
        estimated_roi: columns.next()?,
        target_roi: columns.next()?,
        sales_growth_rate: columns.next()?,
        total_investment: columns.next()?,
        expected_revenue: columns.next()?,
        status: EventStatus::parse(columns.next()?).ok_or(Error::Unknown { column: "status" })?,
        created_at: instant(columns)?,
        updated_at: instant(columns)?,
        revision: columns.next()?,
    })
}

fn instant(columns: &mut Columns<'_>) -> Result<DateTime<Utc>, Error> {
    Ok(columns.next::<NaiveDateTime>()?.and_utc())
}

fn maybe_instant(columns: &mut Columns<'_>) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(columns.next::<Option<NaiveDateTime>>()?.map(|at| at.and_utc()))
}

/// Channels with what is known of their statements, in the order in which [`channel`] reads them.
macro_rules! channels {
    ($rest:literal) => {
        concat!(
            "SELECT stored.event_id, stored.channel_name, stored.channel_type, stored.impressions, stored.views, \
             stored.clicks, stored.participants, stored.conversions, stored.distribution_cost, stored.likes, \
             stored.comments, stored.shares, stored.total_calls, stored.completed_calls, stored.average_duration, \
             stored.created_at, stored.updated_at, \
             CASE WHEN from_distribution THEN described_at END AS distributed_at, read_at, fresh_until \
             FROM channel_stats AS stored LEFT JOIN channel_reading AS last \
             ON last.event_id = stored.event_id AND last.channel_name = stored.channel_name ",
            $rest
        )
    };
}

fn channel(row: &PgRow) -> Result<Channel, Error> {
    let columns = &mut Columns::from(row, 0);
    Ok(Channel {
        event_id: EventId::trusted(columns.next()?),
        channel_name: ChannelName::trusted(columns.next()?),
        channel_type: ChannelType::parse(columns.next()?).ok_or(Error::Unknown { column: "channel_type" })?,
        impressions: columns.next()?,
        views: columns.next()?,
        clicks: columns.next()?,
        participants: columns.next()?,
        conversions: columns.next()?,
        distribution_cost: columns.next()?,
        likes: columns.next()?,
        comments: columns.next()?,
        shares: columns.next()?,
        total_calls: columns.next()?,
        completed_calls: columns.next()?,
        average_duration: columns.next()?,
        created_at: instant(columns)?,
        updated_at: instant(columns)?,
        distributed_at: maybe_instant(columns)?,
        read_at: maybe_instant(columns)?,
        fresh_until: maybe_instant(columns)?,
    })
}

/// A parameter for `= ANY($n)`.
pub(super) fn texts<'a>(ids: impl IntoIterator<Item = &'a str>) -> Value {
    ids.into_iter().map(str::to_owned).collect::<Vec<_>>().into()
}

impl Service {
    /// The events among `ids` that are described and that the viewer may see.
    ///
    /// # Errors
    /// What the database says.
    pub async fn events(
        &self,
        viewer: &Viewer,
        ids: &[EventId],
    ) -> Result<HashMap<EventId, Arc<EventEntry>>, Error> {
        self.installation().await?;
        let keys: Vec<_> = ids.iter().map(cache::dashboard).collect();
        let lookups = self.cache().get_all(&keys).await;
        let mut found = HashMap::with_capacity(ids.len());
        let mut missing = HashMap::new();
        for (id, lookup) in ids.iter().zip(lookups) {
            match lookup.value {
                Some(entry) if entry.event.revision >= self.hub().latest(id) => {
                    if viewer.may_see(&entry.event.user_id) {
                        found.insert(id.clone(), entry);
                    }
                }
                _ => {
                    missing.insert(id.clone(), lookup.lease);
                }
            }
        }
        self.note_read(found.values());
        for entry in self.read_events(viewer, missing.keys()).await? {
            if let Some(lease) = missing.remove(&entry.event.event_id) {
                self.cache().fill(&cache::dashboard(&entry.event.event_id), lease, &entry).await;
            }
            found.insert(entry.event.event_id.clone(), entry);
        }
        Ok(found)
    }

    /// One event as the database has it now, past every cache.
    pub(crate) async fn event_now(
        &self,
        viewer: &Viewer,
        id: &EventId,
    ) -> Result<Option<Arc<EventEntry>>, Error> {
        Ok(self.read_events(viewer, [id]).await?.pop())
    }

    /// The event's revision as the database has it now; 0 where there is no such event.
    pub(crate) async fn revision_now(&self, id: &EventId) -> Result<Revision, Error> {
        let revision = sqlx::query_scalar("SELECT revision FROM event_stats WHERE event_id = $1")
            .bind(id.as_str())
            .fetch_optional(self.pool())
            .await?;
        Ok(revision.unwrap_or_default())
    }

    async fn read_events(
        &self,
        viewer: &Viewer,
        ids: impl IntoIterator<Item = &EventId>,
    ) -> Result<Vec<Arc<EventEntry>>, Error> {
        let ids: Vec<&str> = ids.into_iter().map(EventId::as_str).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = match viewer.scope() {
            None => self.readers().rows(|| sqlx::query(described!("")).bind(&ids)).await,
            Some(owner) => {
                let query = || sqlx::query(described!(" AND user_id = $2")).bind(&ids).bind(owner.as_str());
                self.readers().rows(query).await
            }
        };
        let entry = |row: &PgRow| {
            Ok(Arc::new(EventEntry { event: event(&mut Columns::from(row, 0))?, channels: None }))
        };
        let entries: Result<Vec<_>, Error> = rows?.iter().map(entry).collect();
        let entries = entries?;
        self.note_read(entries.iter());
        Ok(entries)
    }

    /// Takes in what was read: a commit may be read before it is told, and whoever has seen it is shown nothing older by
    /// this process, of whatever the answer is made.
    pub(super) fn note_read<'a>(&self, entries: impl Iterator<Item = &'a Arc<EventEntry>>) {
        if !self.cache().keeps() {
            return;
        }
        for Event { event_id, user_id, revision, .. } in entries.map(|entry| &entry.event) {
            let known = self.hub().latest(event_id);
            if *revision <= known {
                continue;
            }
            // Nothing is kept of an event that was never read.
            if known > 0 {
                // Before the revision is known here: nobody who reads the same may be ahead of it.
                self.cache()
                    .invalidate_memory(&[Source::Event(event_id.clone()), Source::User(user_id.clone())]);
            }
            self.hub().note(event_id, *revision);
        }
    }

    /// The channels of these events, by name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn channels(&self, of: &[Arc<EventEntry>]) -> Result<HashMap<EventId, Arc<[Channel]>>, Error> {
        let mut found = HashMap::with_capacity(of.len());
        let mut missing: HashMap<EventId, (Arc<EventEntry>, cache::Lease)> = HashMap::new();
        let unread: Vec<_> = of.iter().filter(|entry| entry.channels.is_none()).collect();
        let keys: Vec<_> = unread.iter().map(|entry| cache::dashboard(&entry.event.event_id)).collect();
        let lookups = self.cache().get_all(&keys).await;
        for (entry, lookup) in unread.into_iter().zip(lookups) {
            let id = &entry.event.event_id;
            let cached = lookup
                .value
                .filter(|cached| cached.event.revision >= entry.event.revision.max(self.hub().latest(id)))
                .and_then(|cached| cached.channels.clone());
            match cached {
                Some(channels) => {
                    found.insert(id.clone(), channels);
                }
                None => {
                    missing.insert(id.clone(), (Arc::clone(entry), lookup.lease));
                }
            }
        }
        for entry in of {
            if let Some(channels) = &entry.channels {
                found.insert(entry.event.event_id.clone(), Arc::clone(channels));
            }
        }
        if !missing.is_empty() {
            let mut read = self.read_channels(missing.keys()).await?;
            for (id, (entry, lease)) in missing {
                let channels: Arc<[Channel]> = read.remove(&id).unwrap_or_default().into();
                found.insert(id.clone(), Arc::clone(&channels));
                // The channels are at least as new as the event beside them, and the lease says that nothing was
                // published since: the pair may be kept under the event's revision.
                let whole = Arc::new(EventEntry { event: entry.event.clone(), channels: Some(channels) });
                self.cache().fill(&cache::dashboard(&id), lease, &whole).await;
            }
        }
        Ok(found)
    }

    async fn read_channels(
        &self,
        ids: impl Iterator<Item = &EventId>,
    ) -> Result<BTreeMap<EventId, Vec<Channel>>, Error> {
        const CHANNELS: &str = channels!(
            "WHERE stored.event_id = ANY($1) ORDER BY stored.event_id, stored.channel_name COLLATE \"C\""
        );
        let ids: Vec<&str> = ids.map(EventId::as_str).collect();
        let rows = self.readers().rows(|| sqlx::query(CHANNELS).bind(&ids)).await?;
        let mut by_event: BTreeMap<EventId, Vec<Channel>> = BTreeMap::new();
        for row in &rows {
            let channel = channel(row)?;
            by_event.entry(channel.event_id.clone()).or_default().push(channel);
        }
        Ok(by_event)
    }

    /// Single channels of these events, by name; one that does not exist is absent.
    ///
    /// # Errors
    /// What the database says.
    pub async fn channel(
        &self,
        of: &[(Arc<EventEntry>, ChannelName)],
    ) -> Result<HashMap<(EventId, ChannelName), Channel>, Error> {
        const NAMED: &str = channels!(
            "WHERE (stored.event_id, stored.channel_name) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
        );
        let mut found = HashMap::with_capacity(of.len());
        let mut missing = HashMap::new();
        let keys: Vec<_> =
            of.iter().map(|(entry, name)| cache::channel(&entry.event.event_id, name)).collect();
        let lookups = self.cache().get_all(&keys).await;
        for ((entry, name), lookup) in of.iter().zip(lookups) {
            let id = (entry.event.event_id.clone(), name.clone());
            let revision = entry.event.revision.max(self.hub().latest(&id.0));
            let cached = lookup.value.filter(|cached| cached.revision >= revision);
            if let Some(channels) = &entry.channels {
                if let Some(channel) = channels.iter().find(|channel| channel.channel_name == *name) {
                    found.insert(id, channel.clone());
                }
            } else if let Some(cached) = cached {
                if let Some(channel) = &cached.value {
                    found.insert(id, channel.clone());
                }
            } else {
                missing.insert(id, (entry.event.revision, lookup.lease));
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let events: Vec<&str> = missing.keys().map(|(event, _)| event.as_str()).collect();
        let names: Vec<&str> = missing.keys().map(|(_, name)| name.as_str()).collect();
        let rows = self.readers().rows(|| sqlx::query(NAMED).bind(&events).bind(&names)).await?;
        for row in &rows {
            let channel = channel(row)?;
            found.insert((channel.event_id.clone(), channel.channel_name.clone()), channel);
        }
        for (id, (revision, lease)) in missing {
            let channel = Arc::new(Labelled { revision, value: found.get(&id).cloned() });
            self.cache().fill(&cache::channel(&id.0, &id.1), lease, &channel).await;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use entity::event_stats;
    use sea_orm::{Iden, Iterable};

    #[test]
    fn an_event_is_read_in_the_order_of_the_entity() {
        let columns: Vec<String> = event_stats::Column::iter().map(|column| column.to_string()).collect();
        assert_eq!(columns.join(", "), event_columns!());
    }
}
