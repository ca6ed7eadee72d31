use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use tokio::sync::Notify;

use crate::{
    domain::{EventId, Revision, UserId},
    ingest::Commit,
};

/// Events whose latest revision is remembered.
const REMEMBERED: u64 = 100_000;
/// Commits that are known again: those of this process come back over the bus.
const KNOWN: u64 = 10_000;

/// What can be followed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Topic {
    Event(EventId),
    User(UserId),
}

/// What a follower has not seen yet, in one: however long it does not look, it costs this much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Commits since the follower last looked.
    pub commits: u32,
    /// The start of the earliest bucket that changed.
    pub changed_from: Option<DateTime<Utc>>,
    /// Something may have been missed: all must be read again.
    pub resync: bool,
}

impl Change {
    pub(crate) fn merge(&mut self, other: Self) {
        self.commits += other.commits;
        self.resync |= other.resync;
        self.changed_from = match (self.changed_from, other.changed_from) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

#[derive(Default)]
struct Slot {
    pending: Mutex<Option<Change>>,
    changed: Notify,
}

impl Slot {
    fn put(&self, change: Change) {
        lock(&self.pending).get_or_insert_default().merge(change);
        self.changed.notify_one();
    }
}

type Slots = HashMap<Topic, Vec<Arc<Slot>>>;

/// Where commits meet those who wait for them, within the process.
pub(crate) struct Hub {
    followers: Mutex<Slots>,
    latest: Cache<EventId, Revision>,
    known: Cache<Commit, ()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            followers: Mutex::new(HashMap::new()),
            latest: Cache::new(REMEMBERED),
            known: Cache::new(KNOWN),
        }
    }

    /// The newest revision that has been announced here; 0 where none was.
    pub(crate) fn latest(&self, event: &EventId) -> Revision {
        self.latest.get(event).unwrap_or_default()
    }

    /// Joins: everything that is delivered from now on reaches the follower.
    pub(crate) fn follow(self: &Arc<Self>, topic: Topic) -> Follower {
        let slot = Arc::new(Slot::default());
        lock(&self.followers).entry(topic.clone()).or_default().push(Arc::clone(&slot));
        metrics::gauge!("pulsegate_live_followers").increment(1);
        Follower { hub: Arc::clone(self), topic, slot }
    }

    /// Tells the followers. Commits may be told more than once and in any order.
    pub(crate) fn deliver(&self, commits: &[Commit]) {
        let followers = lock(&self.followers);
        for commit in commits {
            if !self.known.entry_by_ref(commit).or_default().is_fresh() {
                continue;
            }
            self.latest.entry_by_ref(&commit.event_id).and_upsert_with(|known| {
                known.map_or(commit.revision, |known| known.into_value().max(commit.revision))
            });
            let change = Change { commits: 1, changed_from: commit.changed_from, resync: false };
            let tell = |topic: &Topic| {
                for slot in followers.get(topic).into_iter().flatten() {
                    slot.put(change);
                }
            };
            tell(&Topic::Event(commit.event_id.clone()));
            for owner in &commit.owners {
                tell(&Topic::User(owner.clone()));
            }
        }
    }

    /// Tells everybody that something may have been missed.
    pub(crate) fn resync(&self) {
        for slot in lock(&self.followers).values().flatten() {
            slot.put(Change { commits: 0, changed_from: None, resync: true });
        }
    }
}

/// A place at the hub. Dropping it leaves nothing behind.
pub(crate) struct Follower {
    hub: Arc<Hub>,
    topic: Topic,
    slot: Arc<Slot>,
}

impl Follower {
    /// What has changed since the last look, if anything.
    pub(crate) fn take(&self) -> Option<Change> {
        lock(&self.slot.pending).take()
    }

    /// Waits for a change. Being dropped while waiting loses nothing.
    pub(crate) async fn changed(&self) -> Change {
        loop {
            if let Some(change) = self.take() {
                return change;
            }
            self.slot.changed.notified().await;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut followers = lock(&self.hub.followers);
        if let Some(slots) = followers.get_mut(&self.topic) {
            slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if slots.is_empty() {
                followers.remove(&self.topic);
            }
        }
        metrics::gauge!("pulsegate_live_followers").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(revision: Revision, minute: u32) -> Commit {
        Commit {
            event_id: EventId::trusted("evt-1"),
            owners: vec![UserId::trusted("user-1")],
            revision,
            changed_from: DateTime::from_timestamp(i64::from(minute) * 60, 0),
        }
    }

    #[tokio::test]
    async fn a_follower_hears_of_what_it_missed_in_one() {
        let hub = Arc::new(Hub::new());
        let event = hub.follow(Topic::Event(EventId::trusted("evt-1")));
        let user = hub.follow(Topic::User(UserId::trusted("user-1")));
        let other = hub.follow(Topic::Event(EventId::trusted("evt-2")));
        hub.deliver(&[commit(2, 7)]);
        hub.deliver(&[commit(1, 5)]);
        hub.deliver(&[commit(2, 7)]);
        let expected = Change { commits: 2, changed_from: DateTime::from_timestamp(300, 0), resync: false };
        assert_eq!(event.changed().await, expected);
        assert_eq!(user.changed().await, expected);
        assert_eq!(other.take(), None);
        assert_eq!(hub.latest(&EventId::trusted("evt-1")), 2);
    }

    #[test]
    fn who_leaves_leaves_nothing_behind() {
        let hub = Arc::new(Hub::new());
        drop(hub.follow(Topic::Event(EventId::trusted("evt-1"))));
        assert!(lock(&hub.followers).is_empty());
    }
}
