use std::{
    collections::HashMap,
    convert::Infallible,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use tokio::{sync::Notify, time::Instant};

use super::recent::{Heard, Recent};
use crate::{
    domain::{EventId, Revision, UserId},
    ingest::Commit,
};

/// Events whose latest revision is remembered.
const REMEMBERED: usize = 100_000;
/// Events whose latest commits are remembered.
const REMEMBERED_EVENTS: usize = 5_000;

/// What can be followed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Topic {
    Event(EventId),
    User(UserId),
}

/// More commits than this are not told one by one.
const MOST_HEARD: usize = 64;

/// What a follower has not seen yet, in one: however long it does not look, its size is bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Commits to the event since the follower last looked: the revision, and the start of the earliest bucket that
    /// changed. Who follows a user is only told that there are some.
    heard: Vec<(Revision, Option<DateTime<Utc>>)>,
    /// Something may have been missed: all must be read again.
    pub resync: bool,
    /// When the earliest of the commits took place, where that is known.
    pub since: Option<Instant>,
}

/// Some commits were not heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unheard;

impl Change {
    /// What is not known to be a change may be any.
    pub(crate) const fn unknown() -> Self {
        Self { heard: Vec::new(), resync: true, since: None }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.resync |= other.resync;
        self.since = [self.since, other.since].into_iter().flatten().min();
        self.heard.extend(other.heard);
        if self.resync || self.heard.len() > MOST_HEARD {
            *self = Self { since: self.since, ..Self::unknown() };
        }
    }

    /// What is known of the changes after one revision and up to another: the start of the earliest bucket that changed.
    ///
    /// # Errors
    /// Not all of those commits were heard of.
    pub(crate) fn between(
        &self,
        earlier: Revision,
        later: Revision,
    ) -> Result<Option<DateTime<Utc>>, Unheard> {
        let within = |revision: &Revision| *revision > earlier && *revision <= later;
        let mut revisions: Vec<_> = self.heard.iter().map(|(revision, _)| *revision).filter(within).collect();
        revisions.sort_unstable();
        revisions.dedup();
        let are_all = i64::try_from(revisions.len()) == Ok(later - earlier);
        if self.resync || !are_all {
            return Err(Unheard);
        }
        Ok(self.heard.iter().filter_map(|(_, from)| *from).min())
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
    recent: Cache<EventId, Arc<Mutex<Recent>>>,
    /// The revisions of a user's events together, as they were last read; forgotten with a commit.
    overviews: Cache<UserId, i64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts something in the place of what is kept, in one step, and gives that back.
fn exchange<K: Clone + Eq + Hash>(
    kept: &Cache<K, i64>,
    key: &K,
    new: i64,
    of_both: impl FnOnce(i64, i64) -> i64,
) -> Option<i64> {
    let known =
        kept.entry(key, None, |_, known| EntryAction::Retain(std::mem::replace(known, of_both(*known, new))));
    match known {
        EntryResult::Retained(before) => return Some(before),
        EntryResult::Vacant(place) => {
            // It fails where a commit came in between, after which nothing is known.
            let _ = place.insert(new);
        }
        EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => {}
    }
    None
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            followers: Mutex::new(HashMap::new()),
            latest: Cache::new(REMEMBERED),
            recent: Cache::new(REMEMBERED_EVENTS),
            overviews: Cache::new(REMEMBERED),
        }
    }

    /// Notes a revision that there is, and tells the newest that was known until then; 0 where none was.
    pub(crate) fn note(&self, event: &EventId, revision: Revision) -> Revision {
        exchange(&self.latest, event, revision, i64::max).unwrap_or_default()
    }

    /// Notes the revisions that a user's events have together, and tells what was known until then.
    pub(crate) fn note_overview(&self, user: &UserId, revisions: i64) -> Option<i64> {
        exchange(&self.overviews, user, revisions, |_, new| new)
    }

    /// What was noted last, if no commit was heard of since.
    pub(crate) fn overview(&self, user: &UserId) -> Option<i64> {
        self.overviews.get(user)
    }

    /// The newest revision that has been announced or read here; 0 where none was.
    pub(crate) fn latest(&self, event: &EventId) -> Revision {
        self.latest.get(event).unwrap_or_default()
    }

    /// The event's commits after one revision and up to another, in their order, if each single one was heard of.
    pub(crate) fn between(&self, event: &EventId, earlier: Revision, later: Revision) -> Option<Vec<Heard>> {
        if earlier == later {
            return Some(Vec::new());
        }
        lock(&*self.recent.get(event)?).between(earlier, later)
    }

    /// Takes a commit in, before its followers are told. False where it was known.
    pub(super) fn note_commit(&self, commit: &Commit) -> bool {
        let Ok(recent) =
            self.recent.get_or_insert_with(&commit.event_id, || Ok::<_, Infallible>(Arc::default()));
        if !lock(&recent).remember(commit) {
            return false;
        }
        self.note(&commit.event_id, commit.revision);
        for owner in &commit.owners {
            self.overviews.remove(owner);
        }
        true
    }

    /// Whether the commit was taken in.
    pub(super) fn knows(&self, commit: &Commit) -> bool {
        self.recent.get(&commit.event_id).is_some_and(|recent| lock(&recent).knows(commit))
    }

    /// Joins: everything that is delivered from now on reaches the follower.
    pub(crate) fn follow(self: &Arc<Self>, topic: Topic) -> Follower {
        let slot = Arc::new(Slot::default());
        lock(&self.followers).entry(topic.clone()).or_default().push(Arc::clone(&slot));
        metrics::gauge!("pulsegate_live_followers").increment(1);
        Follower { hub: Arc::clone(self), topic, slot }
    }

    /// Tells the followers of commits that were taken in; it is `now`.
    pub(super) fn tell<'a>(&self, commits: impl IntoIterator<Item = &'a Commit>, now: DateTime<Utc>) {
        let heard_at = Instant::now();
        // By the clocks of two machines, which may differ a little.
        let since = |committed_at: DateTime<Utc>| {
            let age = (now - committed_at).to_std().unwrap_or_default();
            heard_at.checked_sub(age).unwrap_or(heard_at)
        };
        let followers = lock(&self.followers);
        let tell = |topic: &Topic, change: &Change| {
            for slot in followers.get(topic).into_iter().flatten() {
                slot.put(change.clone());
            }
        };
        for commit in commits {
            let since = commit.committed_at.map(since);
            let change = Change { heard: vec![(commit.revision, commit.changed_from)], resync: false, since };
            tell(&Topic::Event(commit.event_id.clone()), &change);
            for owner in &commit.owners {
                tell(&Topic::User(owner.clone()), &Change { since, ..Change::default() });
            }
        }
    }

    /// Tells everybody that something may have been missed.
    pub(crate) fn resync(&self) {
        for slot in lock(&self.followers).values().flatten() {
            slot.put(Change::unknown());
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
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;

    fn commit(revision: Revision, minute: u32) -> Commit {
        Commit {
            event_id: EventId::trusted("evt-1"),
            owners: vec![UserId::trusted("user-1")],
            revision,
            changed_from: DateTime::from_timestamp(i64::from(minute) * 60, 0),
            committed_at: None,
            delta: None,
        }
    }

    fn deliver_at(hub: &Hub, commit: &Commit, now: DateTime<Utc>) {
        if hub.note_commit(commit) {
            hub.tell([commit], now);
        }
    }

    fn deliver(hub: &Hub, commit: &Commit) {
        deliver_at(hub, commit, DateTime::UNIX_EPOCH);
    }

    #[tokio::test]
    async fn a_follower_hears_of_what_it_missed_in_one() {
        let hub = Arc::new(Hub::new());
        let event = hub.follow(Topic::Event(EventId::trusted("evt-1")));
        let user = hub.follow(Topic::User(UserId::trusted("user-1")));
        let other = hub.follow(Topic::Event(EventId::trusted("evt-2")));
        deliver(&hub, &commit(2, 7));
        deliver(&hub, &commit(1, 5));
        deliver(&hub, &commit(2, 7));
        let change = event.changed().await;
        assert_eq!(change.between(0, 2), Ok(DateTime::from_timestamp(300, 0)));
        assert_eq!(change.between(0, 3), Err(Unheard), "the third was not heard of");
        assert_eq!(user.changed().await, Change::default());
        assert_eq!(other.take(), None);
        assert_eq!(hub.latest(&EventId::trusted("evt-1")), 2);
    }

    #[tokio::test]
    async fn who_does_not_look_for_long_has_to_read_again() {
        let hub = Arc::new(Hub::new());
        let event = hub.follow(Topic::Event(EventId::trusted("evt-1")));
        for revision in 1..1_000 {
            deliver(&hub, &commit(revision, 1));
        }
        let change = event.changed().await;
        assert!(change.heard.len() <= MOST_HEARD);
        assert_eq!(change.between(0, 999), Err(Unheard));
        assert_eq!(event.take(), None);
    }

    #[tokio::test]
    async fn a_change_is_as_old_as_its_first_commit() {
        let hub = Arc::new(Hub::new());
        let event = hub.follow(Topic::Event(EventId::trusted("evt-1")));
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(60);
        let at = |second| Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(second));
        let before = Instant::now();
        // The last one's writer has a clock that is ahead.
        for (revision, committed_at) in [(1, at(58)), (2, at(51)), (3, None), (4, at(70))] {
            deliver_at(&hub, &Commit { committed_at, ..commit(revision, 1) }, now);
        }
        let since = event.changed().await.since.unwrap();
        assert!(before.duration_since(since) <= Duration::from_secs(9));
        assert!(Instant::now().duration_since(since) >= Duration::from_secs(9));
        deliver(&hub, &commit(5, 1));
        assert_eq!(event.changed().await.since, None);
    }

    #[test]
    fn who_leaves_leaves_nothing_behind() {
        let hub = Arc::new(Hub::new());
        drop(hub.follow(Topic::Event(EventId::trusted("evt-1"))));
        assert!(lock(&hub.followers).is_empty());
    }
}
