use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use service::{
    domain::{ChannelName, EventId, UserId},
    read::{
        EventEntry, EventFilter, EventOrder, ForecastSpec, PageRequest, RankingQuery, TimelineSpec, With,
    },
};

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct EventById {
    pub(super) id: EventId,
    /// What will be asked for next.
    pub(super) with: With,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct UserById(pub(super) UserId);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ChannelsOf(pub(super) Parent);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ChannelNamed {
    pub(super) of: Parent,
    pub(super) name: ChannelName,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct SpendingOf(pub(super) Parent);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct TimelineOf {
    pub(super) of: Parent,
    pub(super) spec: TimelineSpec,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ForecastOf {
    pub(super) of: Parent,
    pub(super) spec: ForecastSpec,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct PageOf {
    pub(super) owner: UserId,
    pub(super) list: (EventFilter, EventOrder, PageRequest, With),
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct CountOf {
    pub(super) owner: UserId,
    pub(super) filter: EventFilter,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct RankingOf {
    pub(super) owner: UserId,
    pub(super) query: RankingQuery,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct TimelineOfUser {
    pub(super) owner: UserId,
    pub(super) spec: TimelineSpec,
}

/// The library of loaders writes the name of each key that is asked for, for the case that it is missing.
macro_rules! named {
    ($($key:ident by $part:tt),+ $(,)?) => {
        $(impl fmt::Debug for $key {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.$part, f)
            }
        })+
    };
}

named!(
    EventById by id,
    UserById by 0,
    ChannelsOf by 0,
    ChannelNamed by of,
    SpendingOf by 0,
    TimelineOf by of,
    ForecastOf by of,
    PageOf by owner,
    CountOf by owner,
    RankingOf by owner,
    TimelineOfUser by owner,
);

/// An event that the viewer was shown. Within one execution there is one viewer, so its id tells it apart.
#[derive(Clone)]
pub(super) struct Parent(pub(super) Arc<EventEntry>);

impl Parent {
    pub(super) fn id(&self) -> &EventId {
        &self.0.event.event_id
    }
}

impl From<Arc<EventEntry>> for Parent {
    fn from(entry: Arc<EventEntry>) -> Self {
        Self(entry)
    }
}

impl PartialEq for Parent {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Parent {}

impl Hash for Parent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.id(), f)
    }
}
