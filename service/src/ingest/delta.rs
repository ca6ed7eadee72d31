use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::fold::{Changes, ChannelChange, EventChange};
use crate::domain::{ChannelName, ChannelType, EventId, Revision};

/// More channels or minutes than this are not told: whoever wants them reads them.
const MOST: usize = 32;
/// So many events in one transaction come from a writer that is far behind, and nobody can look at them all meanwhile.
const MOST_EVENTS: usize = 500;

/// What a transaction did to one event, where it only counted participants: whoever has the event's numbers at the one
/// revision has them at the next without asking the database.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delta {
    /// The revision that it leads on from.
    pub(crate) after: Revision,
    /// The participants that it added.
    pub(crate) participants: i32,
    /// Those that the event has with them.
    pub(crate) total: i32,
    /// The latest `occurredAt`.
    pub(crate) touched_at: DateTime<Utc>,
    /// Through which channels they came, as far as they came through one.
    pub(crate) channels: Vec<(ChannelName, ChannelDelta)>,
    /// How many of them registered in the minute that begins then.
    pub(crate) minutes: Vec<(DateTime<Utc>, i32)>,
}

/// What it did to one channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ChannelDelta {
    /// The type that they say it is of.
    pub(crate) kind: ChannelType,
    /// The participants that came through it.
    pub(crate) participants: i32,
    /// The earliest `occurredAt`.
    pub(crate) first_touch: DateTime<Utc>,
    /// The latest.
    pub(crate) last_touch: DateTime<Utc>,
}

impl Delta {
    /// What the changes do to an event, which now has that revision and so many participants. `None` where they do more
    /// than count.
    pub(super) fn of(changes: &Changes, id: &EventId, revision: Revision, total: i32) -> Option<Self> {
        let EventChange { participants, description, created_at, last_touch, distributed, buckets, .. } =
            changes.events.get(id)?;
        let only_counts = description.is_none() && created_at.is_none() && !*distributed;
        if !only_counts || buckets.len() > MOST || changes.events.len() > MOST_EVENTS {
            return None;
        }
        let channels: Vec<_> = changes
            .channels_of(id)
            .map(|(name, channel)| Some((name.clone(), ChannelDelta::of(channel)?)))
            .collect::<Option<_>>()?;
        if channels.len() > MOST {
            return None;
        }
        let minutes = buckets
            .iter()
            .map(|(start, bucket)| Some((start.and_utc(), i32::try_from(bucket.participants).ok()?)));
        Some(Self {
            after: revision - 1,
            participants: i32::try_from(*participants).ok()?,
            total,
            touched_at: last_touch.and_utc(),
            channels,
            minutes: minutes.collect::<Option<_>>()?,
        })
    }
}

impl ChannelDelta {
    fn of(change: &ChannelChange) -> Option<Self> {
        Some(Self {
            kind: change.channel_type,
            participants: i32::try_from(change.participants).ok()?,
            first_touch: change.first_touch.and_utc(),
            last_touch: change.last_touch.and_utc(),
        })
    }
}
