use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Serialize};

use crate::domain::{ChannelName, EventId, Revision, UserId};

/// What an entry is made from: a commit that touches it makes the entry worthless.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Source {
    /// One event's rows.
    Event(EventId),
    /// All of one user's events.
    User(UserId),
    /// All events. Nothing under a key of its own is made of it.
    Everything,
}

impl Source {
    /// The key of the source's fence. The braces are a hash tag: the fence shares a slot with the entries.
    pub(super) fn fence(&self) -> String {
        match self {
            Self::Event(id) => format!("analytics:fence:{{{id}}}"),
            Self::User(id) => format!("analytics:fence:user:{{{id}}}"),
            Self::Everything => "analytics:fence".to_owned(),
        }
    }

    /// Entries whose keys are known without asking; the others expire.
    pub(super) fn fixed_entries(&self) -> Vec<String> {
        match self {
            Self::Event(id) => {
                vec![format!("analytics:dashboard:{{{id}}}"), format!("analytics:roi:{{{id}}}")]
            }
            Self::User(id) => vec![format!("analytics:user:{{{id}}}")],
            Self::Everything => Vec::new(),
        }
    }
}

/// What was read of an event, and the revision that it had before: it is at least as new. What is kept is not believed
/// where a newer revision is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Labelled<V> {
    pub(crate) revision: Revision,
    pub(crate) value: V,
}

/// The key of an entry that holds a `V`.
pub(crate) struct Key<V> {
    pub(super) source: Source,
    pub(super) text: String,
    value: PhantomData<fn() -> V>,
}

impl<V> Key<V> {
    fn of_event(id: &EventId, text: String) -> Self {
        Self { source: Source::Event(id.clone()), text, value: PhantomData }
    }
}

impl<V> fmt::Debug for Key<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `analytics:dashboard:{eventId}`
pub(crate) fn dashboard(id: &EventId) -> Key<crate::read::EventEntry> {
    Key::of_event(id, format!("analytics:dashboard:{{{id}}}"))
}

/// `analytics:channel:{eventId}:{channelName}`
pub(crate) fn channel(id: &EventId, name: &ChannelName) -> Key<Labelled<Option<crate::domain::Channel>>> {
    Key::of_event(id, format!("analytics:channel:{{{id}}}:{{{name}}}"))
}

/// `analytics:roi:{eventId}`
pub(crate) fn roi(id: &EventId) -> Key<Labelled<crate::read::Spending>> {
    Key::of_event(id, format!("analytics:roi:{{{id}}}"))
}

/// `analytics:timeline:{eventId}:{granularity}:zone:from:to`
pub(crate) fn timeline(id: &EventId, window: &crate::timeline::Window) -> Key<crate::read::StoredSeries> {
    Key::of_event(
        id,
        format!(
            "analytics:timeline:{{{id}}}:{{{}}}:{}:{}:{}",
            window.granularity(),
            window.zone().name(),
            window.from().timestamp(),
            window.to().timestamp()
        ),
    )
}

/// `analytics:timeline:{eventId}:extent`: the first and the last stored minute.
pub(crate) fn extent(id: &EventId) -> Key<crate::read::StoredExtent> {
    Key::of_event(id, format!("analytics:timeline:{{{id}}}:extent"))
}

/// `analytics:user:{userId}`
pub(crate) fn user(id: &UserId) -> Key<crate::domain::UserOverview> {
    Key { source: Source::User(id.clone()), text: format!("analytics:user:{{{id}}}"), value: PhantomData }
}

/// `analytics:processed:{messageId}`
pub(super) fn processed(message_id: &str) -> String {
    format!("analytics:processed:{{{message_id}}}")
}
