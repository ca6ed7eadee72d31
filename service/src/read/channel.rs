//! Channels of events that a finder has given out.

use std::{collections::HashMap, sync::Arc};

use chrono::NaiveDateTime;
use rust_decimal::Decimal;
use sea_orm::sqlx::{self, postgres::PgRow};

use super::{
    EventEntry,
    columns::{Columns, Repeated},
    value::Elements,
};
use crate::{
    Error, Service,
    cache::{self, Labelled},
    domain::{Channel, ChannelName, ChannelType, EventId, LastTold},
    readers::{KeyedRead, Readers},
};

/// The channels that some condition selects, all of one event's in one row of arrays, because sending and reading a row for
/// each takes longer than finding them. [`ChannelArrays`] reads them; with when they were last told where freshness is
/// asked for.
macro_rules! channel_arrays {
    () => {
        channel_arrays!("", "")
    };
    (freshness) => {
        channel_arrays!(
            ", CASE WHEN from_distribution THEN described_at END, read_at, fresh_until",
            " LEFT JOIN channel_reading AS last \
             ON last.event_id = stored.event_id AND last.channel_name = stored.channel_name"
        )
    };
    ($more_instants:literal, $join:literal) => {
        concat!(
            "array_agg(ARRAY[stored.channel_name, stored.channel_type]) AS names, \
             array_agg(ARRAY[stored.impressions, stored.views, stored.clicks, stored.participants, \
             stored.conversions, stored.likes, stored.comments, stored.shares, stored.total_calls, \
             stored.completed_calls, stored.average_duration]) AS counters, \
             array_agg(stored.distribution_cost) AS costs, \
             array_agg(ARRAY[stored.created_at, stored.updated_at",
            $more_instants,
            "]) AS instants FROM channel_stats AS stored",
            $join
        )
    };
}

/// The same beside each event's id.
macro_rules! channels {
    ($condition:literal) => {
        concat!(
            "SELECT stored.event_id, ",
            channel_arrays!(freshness),
            " WHERE ",
            $condition,
            " GROUP BY stored.event_id"
        )
    };
}

pub(super) use channel_arrays;

/// Reads the channels of one answer.
#[derive(Debug)]
pub(super) struct ChannelArrays {
    /// Whether when they were last told is there.
    with_freshness: bool,
    names: Repeated<ChannelName>,
}

impl ChannelArrays {
    pub(super) fn new(with_freshness: bool) -> Self {
        Self { with_freshness, names: Repeated::default() }
    }

    /// The channels of this event, by name.
    pub(super) fn read(
        &mut self,
        event_id: &EventId,
        columns: &mut Columns<'_>,
    ) -> Result<Arc<[Channel]>, Error> {
        let mut names: Elements<'_, &str> = columns.next()?;
        let mut counters: Elements<'_, i32> = columns.next()?;
        let mut costs: Elements<'_, Decimal> = columns.next()?;
        let mut instants: Elements<'_, NaiveDateTime> = columns.next()?;
        let mut channels = Vec::with_capacity(costs.left());
        while costs.left() > 0 {
            channels.push(Channel {
                event_id: event_id.clone(),
                channel_name: self.names.of(names.next()?, ChannelName::trusted),
                channel_type: ChannelType::parse(names.next()?)
                    .ok_or(Error::Unknown { column: "channel_type" })?,
                impressions: counters.next()?,
                views: counters.next()?,
                clicks: counters.next()?,
                participants: counters.next()?,
                conversions: counters.next()?,
                likes: counters.next()?,
                comments: counters.next()?,
                shares: counters.next()?,
                total_calls: counters.next()?,
                completed_calls: counters.next()?,
                average_duration: counters.next()?,
                distribution_cost: costs.next()?,
                created_at: instants.next()?.and_utc(),
                updated_at: instants.next()?.and_utc(),
                last_told: if self.with_freshness { Some(last_told(&mut instants)?) } else { None },
            });
        }
        // The database puts them together as it finds them.
        channels.sort_unstable_by(|one, other| one.channel_name.as_str().cmp(other.channel_name.as_str()));
        Ok(channels.into())
    }
}

fn last_told(instants: &mut Elements<'_, NaiveDateTime>) -> Result<LastTold, sqlx::Error> {
    let mut next = || Ok::<_, sqlx::Error>(instants.maybe()?.map(|at| at.and_utc()));
    Ok(LastTold { distributed_at: next()?, read_at: next()?, fresh_until: next()? })
}

/// The channels of each event of an answer.
fn channels(rows: &[PgRow]) -> impl Iterator<Item = Result<(EventId, Arc<[Channel]>), Error>> {
    let mut arrays = ChannelArrays::new(true);
    rows.iter().enumerate().map(move |(index, row)| {
        let mut columns = Columns::from(row, 0, index > 0);
        let event_id = EventId::trusted(columns.next()?);
        let channels = arrays.read(&event_id, &mut columns)?;
        Ok((event_id, channels))
    })
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
        const CHANNELS: &str = channels!("stored.event_id = ANY($1)");
        let ids: Vec<&str> = ids.iter().map(EventId::as_str).collect();
        let rows = readers.rows(|| sqlx::query(CHANNELS).bind(&ids)).await?;
        channels(&rows).collect()
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
            "(stored.event_id, stored.channel_name) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
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
        for of_event in channels(&rows) {
            for channel in of_event?.1.iter() {
                found.insert((channel.event_id.clone(), channel.channel_name.clone()), channel.clone());
            }
        }
        for (id, (revision, lease)) in missing {
            let channel = Arc::new(Labelled { revision, value: found.get(&id).cloned() });
            self.cache().fill(&cache::channel(&id.0, &id.1), lease, &channel).await;
        }
        Ok(found)
    }
}
