use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::NaiveDateTime;
use entity::{channel_stats, event_stats};
use sea_orm::{DbBackend, EntityTrait, FromQueryResult, Statement, Value, sqlx};
use serde::{Deserialize, Serialize};

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

/// Reads a row.
pub(super) fn event(row: event_stats::Model) -> Result<Event, Error> {
    Ok(Event {
        event_id: EventId::trusted(&row.event_id),
        title: row.event_title,
        user_id: UserId::trusted(&row.user_id),
        total_participants: row.total_participants,
        total_views: row.total_views,
        estimated_roi: row.estimated_roi,
        target_roi: row.target_roi,
        sales_growth_rate: row.sales_growth_rate,
        total_investment: row.total_investment,
        expected_revenue: row.expected_revenue,
        status: EventStatus::parse(&row.status).ok_or(Error::Unknown { column: "status" })?,
        created_at: row.created_at.and_utc(),
        updated_at: row.updated_at.and_utc(),
        revision: row.revision,
    })
}

/// A channel with what is known of its statements.
#[derive(FromQueryResult)]
struct ChannelRow {
    #[sea_orm(nested)]
    model: channel_stats::Model,
    distributed_at: Option<NaiveDateTime>,
    read_at: Option<NaiveDateTime>,
    fresh_until: Option<NaiveDateTime>,
}

/// All of [`ChannelRow`].
macro_rules! channels {
    ($rest:literal) => {
        concat!(
            "SELECT stored.*, CASE WHEN from_distribution THEN described_at END AS distributed_at, read_at, fresh_until \
             FROM channel_stats AS stored LEFT JOIN channel_reading AS last \
             ON last.event_id = stored.event_id AND last.channel_name = stored.channel_name ",
            $rest
        )
    };
}

fn channel(
    ChannelRow { model: row, distributed_at, read_at, fresh_until }: ChannelRow,
) -> Result<Channel, Error> {
    Ok(Channel {
        event_id: EventId::trusted(&row.event_id),
        channel_name: ChannelName::trusted(&row.channel_name),
        channel_type: ChannelType::parse(&row.channel_type)
            .ok_or(Error::Unknown { column: "channel_type" })?,
        impressions: row.impressions,
        views: row.views,
        clicks: row.clicks,
        participants: row.participants,
        conversions: row.conversions,
        distribution_cost: row.distribution_cost,
        likes: row.likes,
        comments: row.comments,
        shares: row.shares,
        total_calls: row.total_calls,
        completed_calls: row.completed_calls,
        average_duration: row.average_duration,
        created_at: row.created_at.and_utc(),
        updated_at: row.updated_at.and_utc(),
        distributed_at: distributed_at.map(|at| at.and_utc()),
        read_at: read_at.map(|at| at.and_utc()),
        fresh_until: fresh_until.map(|at| at.and_utc()),
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
        let mut sql = "SELECT * FROM event_stats WHERE event_id = ANY($1) AND user_id <> ''".to_owned();
        let mut values = vec![texts(ids)];
        if let Some(owner) = viewer.scope() {
            sql.push_str(" AND user_id = $2");
            values.push(owner.as_str().into());
        }
        let rows = event_stats::Entity::find()
            .from_raw_sql(Statement::from_sql_and_values(DbBackend::Postgres, sql, values))
            .all(self.readers())
            .await?;
        let entries: Result<Vec<_>, Error> = rows
            .into_iter()
            .map(|row| Ok(Arc::new(EventEntry { event: event(row)?, channels: None })))
            .collect();
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
        let rows = ChannelRow::find_by_statement(Statement::from_sql_and_values(
            DbBackend::Postgres,
            channels!(
                "WHERE stored.event_id = ANY($1) ORDER BY stored.event_id, stored.channel_name COLLATE \"C\""
            ),
            [texts(ids.map(EventId::as_str))],
        ))
        .all(self.readers())
        .await?;
        let mut by_event: BTreeMap<EventId, Vec<Channel>> = BTreeMap::new();
        for row in rows {
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
        let rows = ChannelRow::find_by_statement(Statement::from_sql_and_values(
            DbBackend::Postgres,
            channels!(
                "WHERE (stored.event_id, stored.channel_name) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
            ),
            [
                texts(missing.keys().map(|(event, _)| event.as_str())),
                texts(missing.keys().map(|(_, name)| name.as_str())),
            ],
        ))
        .all(self.readers())
        .await?;
        for row in rows {
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
