use std::{collections::HashMap, sync::Arc};

use sea_orm::{
    Value,
    sqlx::{self, postgres::PgRow},
};
use serde::{Deserialize, Serialize};

use super::{
    channel::{ChannelArrays, channel_arrays},
    columns::{Columns, Repeated, instant},
};
use crate::{
    Error, Service,
    cache::{self, Lookup, Source},
    domain::{Channel, Event, EventId, EventStatus, Revision, UserId, Viewer},
    readers::{KeyedRead, Readers},
};

/// An event that the viewer may see, with its channels where they are known already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventEntry {
    /// The event.
    pub event: Event,
    /// Its channels by name. `None`: not read yet, see [`Service::channels`].
    pub channels: Option<Arc<[Channel]>>,
    /// Whether they are of the same instant as the event; else they may be newer.
    pub is_one_look: bool,
}

/// This process does not hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHeld;

/// What is read of events at once; each includes the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum With {
    /// Nothing else.
    Nothing,
    /// Their channels, in the same statement.
    Channels,
    /// Also when the channels were last told, which their freshness follows from.
    Freshness,
}

/// The columns that [`EventRows`] reads, in the order of the entity's.
macro_rules! event_columns {
    () => {
        "id, event_id, event_title, user_id, total_participants, total_views, estimated_roi, target_roi, \
         sales_growth_rate, total_investment, expected_revenue, status, created_at, updated_at, revision"
    };
}

/// Described events by their ids.
macro_rules! described {
    () => {
        concat!("SELECT ", event_columns!(), " FROM event_stats WHERE event_id = ANY($1) AND user_id <> ''")
    };
}

/// The same, each with its channels.
macro_rules! described_with_channels {
    ($($freshness:ident)?) => {
        concat!(
            "SELECT described.*, of_it.* FROM (",
            described!(),
            ") AS described CROSS JOIN LATERAL (SELECT ",
            channel_arrays!($($freshness)?),
            " WHERE stored.event_id = described.event_id) AS of_it"
        )
    };
}

/// How many columns an event has.
pub(super) const EVENT_COLUMNS: usize = 15;

/// Reads the events of one answer.
#[derive(Debug)]
pub(super) struct EventRows {
    /// Whether there was one.
    begun: bool,
    owners: Repeated<UserId>,
    /// Where those of a row's event begin, and how they are read.
    channels: Option<(usize, ChannelArrays)>,
}

impl EventRows {
    /// Where channels are read, they begin at some column.
    pub(super) fn new(with: With, channels_at: usize) -> Self {
        let channels = match with {
            With::Nothing => None,
            With::Channels => Some((channels_at, ChannelArrays::new(false))),
            With::Freshness => Some((channels_at, ChannelArrays::new(true))),
        };
        Self { begun: false, owners: Repeated::default(), channels }
    }

    /// The event that a row begins with.
    pub(super) fn read(&mut self, row: &PgRow) -> Result<EventEntry, Error> {
        let event = event(&mut Columns::from(row, 0, self.begun), &mut self.owners)?;
        let channels = match &mut self.channels {
            Some((at, arrays)) => {
                Some(arrays.read(&event.event_id, &mut Columns::from(row, *at, self.begun))?)
            }
            None => None,
        };
        self.begun = true;
        Ok(EventEntry { event, channels, is_one_look: true })
    }
}

fn event(columns: &mut Columns<'_>, owners: &mut Repeated<UserId>) -> Result<Event, Error> {
    let _id: i64 = columns.next()?;
    Ok(Event {
        event_id: EventId::trusted(columns.next()?),
        title: columns.next()?,
        user_id: owners.of(columns.next()?, UserId::trusted),
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

/// Looks up described events, whoever may see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadEvents(With);

impl KeyedRead for ReadEvents {
    type Key = EventId;
    type Value = Arc<EventEntry>;

    fn most(&self) -> usize {
        16
    }

    async fn read(
        &self,
        readers: &Readers,
        ids: Vec<EventId>,
    ) -> Result<HashMap<EventId, Arc<EventEntry>>, Error> {
        let ids: Vec<&str> = ids.iter().map(EventId::as_str).collect();
        let statement = match self.0 {
            With::Nothing => described!(),
            With::Channels => described_with_channels!(),
            With::Freshness => described_with_channels!(freshness),
        };
        let rows = readers.rows(|| sqlx::query(statement).bind(&ids)).await?;
        let mut events = EventRows::new(self.0, EVENT_COLUMNS);
        let entry = |row| {
            let entry = events.read(row)?;
            Ok((entry.event.event_id.clone(), Arc::new(entry)))
        };
        rows.iter().map(entry).collect()
    }
}

/// A parameter for `= ANY($n)`.
pub(super) fn texts<'a>(ids: impl IntoIterator<Item = &'a str>) -> Value {
    ids.into_iter().map(str::to_owned).collect::<Vec<_>>().into()
}

impl Service {
    /// The events among `ids` that are described and that the viewer may see. What has to be read of them is read `with`
    /// what will be asked for next; where it is kept, for whatever others will ask for.
    ///
    /// # Errors
    /// What the database says.
    pub async fn events(
        &self,
        viewer: &Viewer,
        ids: &[EventId],
        with: With,
    ) -> Result<HashMap<EventId, Arc<EventEntry>>, Error> {
        self.installation().await?;
        let with = match with {
            With::Channels if self.cache().keeps() => With::Freshness,
            with => with,
        };
        let lookups = self.kept_entries(ids).await;
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
        for entry in self.read_events(viewer, missing.keys().cloned().collect(), with).await? {
            if let Some(lease) = missing.remove(&entry.event.event_id) {
                self.cache().fill(&cache::dashboard(&entry.event.event_id), lease, &entry).await;
            }
            found.insert(entry.event.event_id.clone(), entry);
        }
        Ok(found)
    }

    /// The same of one event where this process holds it, without waiting for anything. `None` where the viewer may not see
    /// it.
    ///
    /// # Errors
    /// [`NotHeld`] where it has to be asked for.
    pub fn held_event(&self, viewer: &Viewer, id: &EventId) -> Result<Option<Arc<EventEntry>>, NotHeld> {
        let held = self.cache().held(&cache::dashboard(id), |former| self.carry_entry(former));
        let entry = held.filter(|entry| entry.event.revision >= self.hub().latest(id)).ok_or(NotHeld)?;
        let seen = viewer.may_see(&entry.event.user_id).then_some(entry);
        self.note_read(seen.iter());
        Ok(seen)
    }

    /// What is kept of these events, with leave to keep what is missing.
    pub(super) async fn kept_entries(
        &self,
        ids: impl IntoIterator<Item = &EventId>,
    ) -> Vec<Lookup<EventEntry>> {
        let keys: Vec<_> = ids.into_iter().map(cache::dashboard).collect();
        self.cache().get_all_or_carry(&keys, |_, former| self.carry_entry(former)).await
    }

    /// One event as the database has it now, past every cache.
    pub(crate) async fn event_now(
        &self,
        viewer: &Viewer,
        id: &EventId,
    ) -> Result<Option<Arc<EventEntry>>, Error> {
        Ok(self.read_events(viewer, vec![id.clone()], With::Nothing).await?.pop())
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
        ids: Vec<EventId>,
        with: With,
    ) -> Result<Vec<Arc<EventEntry>>, Error> {
        let read = self.gathers().events.ask(&ReadEvents(with), ids).await?.into_values();
        let entries: Vec<_> = read.filter(|entry| viewer.may_see(&entry.event.user_id)).collect();
        self.note_read(entries.iter());
        Ok(entries)
    }

    /// Takes in what was read: a commit may be read before it is told, and whoever has seen it is shown nothing older by
    /// this process, of whatever the answer is made. Nor is anything kept of what a replica showed after somebody has
    /// read more elsewhere.
    pub(super) fn note_read<'a>(&self, entries: impl Iterator<Item = &'a Arc<EventEntry>>) {
        if !self.cache().keeps() {
            return;
        }
        for Event { event_id, user_id, revision, .. } in entries.map(|entry| &entry.event) {
            let known = self.hub().latest(event_id);
            if *revision == known {
                continue;
            }
            let sources = [Source::Event(event_id.clone()), Source::User(user_id.clone())];
            let note = || self.hub().note(event_id, *revision);
            if known > 0 {
                self.cache().while_moving(&sources, note);
            } else {
                // Nothing is kept of an event that was never read, unless somebody came in between.
                let before = note();
                if before > 0 && before != *revision {
                    self.cache().invalidate_memory(&sources);
                }
            }
        }
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
        assert_eq!(columns.len(), super::EVENT_COLUMNS);
    }
}
