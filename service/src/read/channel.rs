//! Channels of events that a finder has given out.

use std::{collections::HashMap, sync::Arc};

use sea_orm::sqlx::{self, postgres::PgRow};

use super::{
    EventEntry,
    columns::{Columns, Repeated, instant, maybe_instant},
};
use crate::{
    Error, Service,
    cache::{self, Labelled},
    domain::{Channel, ChannelName, ChannelType, EventId},
    readers::{KeyedRead, Readers},
};

/// What [`ChannelRows`] reads of [`stored_channels`].
macro_rules! channel_columns {
    () => {
        "stored.event_id, stored.channel_name, stored.channel_type, stored.impressions, stored.views, \
             stored.clicks, stored.participants, stored.conversions, stored.distribution_cost, stored.likes, \
             stored.comments, stored.shares, stored.total_calls, stored.completed_calls, stored.average_duration, \
             stored.created_at, stored.updated_at, \
             CASE WHEN from_distribution THEN described_at END AS distributed_at, read_at, fresh_until"
    };
}

/// How many those are.
pub(super) const CHANNEL_COLUMNS: usize = 20;

/// Channels, joined on some condition or not, with what is known of their readings.
macro_rules! stored_channels {
    ($on:literal) => {
        concat!(
            "channel_stats AS stored ",
            $on,
            " LEFT JOIN channel_reading AS last \
             ON last.event_id = stored.event_id AND last.channel_name = stored.channel_name"
        )
    };
}

/// Those that are selected.
macro_rules! channels {
    ($rest:literal) => {
        concat!("SELECT ", channel_columns!(), " FROM ", stored_channels!(""), " ", $rest)
    };
}

pub(super) use {channel_columns, stored_channels};

/// Reads the channels of one answer.
#[derive(Debug, Default)]
pub(super) struct ChannelRows {
    /// Whether there was one.
    begun: bool,
    events: Repeated<EventId>,
    names: Repeated<ChannelName>,
}

impl ChannelRows {
    /// The channel whose columns begin at `first`; `None` where the row is of an event without any.
    pub(super) fn read(&mut self, row: &PgRow, first: usize) -> Result<Option<Channel>, Error> {
        let mut columns = Columns::from(row, first, self.begun);
        let Some(event_id) = columns.next()? else { return Ok(None) };
        let event_id = self.events.of(event_id, EventId::trusted);
        let channel_name = self.names.of(columns.next()?, ChannelName::trusted);
        let channel = channel(event_id, channel_name, &mut columns)?;
        self.begun = true;
        Ok(Some(channel))
    }
}

/// What comes behind its event and its name.
fn channel(
    event_id: EventId,
    channel_name: ChannelName,
    columns: &mut Columns<'_>,
) -> Result<Channel, Error> {
    Ok(Channel {
        event_id,
        channel_name,
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

fn channels(rows: &[PgRow]) -> impl Iterator<Item = Result<Channel, Error>> {
    let mut read = ChannelRows::default();
    rows.iter().filter_map(move |row| read.read(row, 0).transpose())
}

/// Looks up the channels of events, by name; an event without any is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadChannels;

impl KeyedRead for ReadChannels {
    type Key = EventId;
    type Value = Arc<[Channel]>;

    fn most(&self) -> usize {
        48
    }

    async fn read(
        &self,
        readers: &Readers,
        ids: Vec<EventId>,
    ) -> Result<HashMap<EventId, Arc<[Channel]>>, Error> {
        const CHANNELS: &str = channels!(
            "WHERE stored.event_id = ANY($1) ORDER BY stored.event_id, stored.channel_name COLLATE \"C\""
        );
        let ids: Vec<&str> = ids.iter().map(EventId::as_str).collect();
        let rows = readers.rows(|| sqlx::query(CHANNELS).bind(&ids)).await?;
        let mut found: HashMap<EventId, Vec<Channel>> = HashMap::with_capacity(ids.len());
        for channel in channels(&rows) {
            let channel = channel?;
            found.entry(channel.event_id.clone()).or_default().push(channel);
        }
        Ok(found.into_iter().map(|(id, channels)| (id, channels.into())).collect())
    }
}

impl Service {
    /// The channels of these events, by name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn channels(&self, of: &[Arc<EventEntry>]) -> Result<HashMap<EventId, Arc<[Channel]>>, Error> {
        let mut found = HashMap::with_capacity(of.len());
        let mut missing: HashMap<EventId, (Arc<EventEntry>, cache::Lease)> = HashMap::new();
        let unread: Vec<_> = of.iter().filter(|entry| entry.channels.is_none()).collect();
        let lookups = self.kept_entries(unread.iter().map(|entry| &entry.event.event_id)).await;
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
            let mut read =
                self.gathers().channels.ask(&ReadChannels, missing.keys().cloned().collect()).await?;
            for (id, (entry, lease)) in missing {
                let channels: Arc<[Channel]> = read.remove(&id).unwrap_or_default();
                found.insert(id.clone(), Arc::clone(&channels));
                // The channels are at least as new as the event beside them, and the lease says that nothing was
                // published since: the pair may be kept under the event's revision.
                let whole = Arc::new(EventEntry {
                    event: entry.event.clone(),
                    channels: Some(channels),
                    is_one_look: false,
                });
                self.cache().fill(&cache::dashboard(&id), lease, &whole).await;
            }
        }
        Ok(found)
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
        for channel in channels(&rows) {
            let channel = channel?;
            found.insert((channel.event_id.clone(), channel.channel_name.clone()), channel);
        }
        for (id, (revision, lease)) in missing {
            let channel = Arc::new(Labelled { revision, value: found.get(&id).cloned() });
            self.cache().fill(&cache::channel(&id.0, &id.1), lease, &channel).await;
        }
        Ok(found)
    }
}
