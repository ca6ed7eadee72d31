//! The level inside the process: typed values, no serialisation.

use std::{any::Any, sync::Arc, time::Duration};

use quick_cache::sync::Cache as Bounded;
use tokio::time::Instant;

use super::{Fences, Key, Source, TTL, Value, fences::is_settled};

/// Entries kept at most.
const CAPACITY: usize = 20_000;

/// How long after it was read something may be carried on. What no commit tells of, as that old partitions were dropped, is
/// seen then.
const CARRIED_FOR: Duration = Duration::from_secs(600);

#[derive(Clone)]
struct Entry {
    filled_under: u64,
    read_at: Instant,
    value: Arc<dyn Any + Send + Sync>,
}

/// What was kept.
pub(super) struct Former<V> {
    pub(super) value: Arc<V>,
    read_at: Instant,
}

/// What was found; nothing while commits are not heard of, or just being heard of.
pub(super) struct Held<V> {
    /// The entry.
    pub(super) value: Option<Arc<V>>,
    /// What was kept before a commit touched what it was made of, if it may be carried on.
    pub(super) former: Option<Former<V>>,
    /// The fence to fill it under.
    pub(super) fence: Option<u64>,
}

pub(crate) struct Memory {
    entries: Bounded<String, Entry>,
    fences: Arc<Fences>,
}

impl Memory {
    pub(super) fn new(fences: Arc<Fences>) -> Self {
        Self { entries: Bounded::new(CAPACITY), fences }
    }

    /// Frees what is held.
    pub(super) fn clear(&self) {
        self.entries.clear();
    }

    /// What there is under a key.
    pub(super) fn get<V: Value>(&self, key: &Key<V>) -> Held<V> {
        let fence = self.fence(key);
        if !self.fences.are_trusted() || !is_settled(fence) {
            return Held { value: None, former: None, fence: None };
        }
        let entry = self.entries.get(&key.text).filter(|entry| entry.read_at.elapsed() < TTL);
        let entry = entry.and_then(|Entry { filled_under, read_at, value }| {
            Some((filled_under == fence, Former { value: value.downcast().ok()?, read_at }))
        });
        let (value, former) = match entry {
            Some((true, entry)) => (Some(entry.value), None),
            Some((false, former)) => {
                (None, Some(former).filter(|former| former.read_at.elapsed() < CARRIED_FOR))
            }
            None => (None, None),
        };
        Held { value, former, fence: Some(fence) }
    }

    fn fence<V>(&self, key: &Key<V>) -> u64 {
        self.fences.at(self.fences.place(&key.source))
    }

    pub(super) fn fill<V: Value>(&self, key: &Key<V>, fence: u64, value: &Arc<V>) {
        self.put(key, fence, value, Instant::now());
    }

    /// Keeps what came of something that was kept before.
    pub(super) fn carry<V: Value>(&self, key: &Key<V>, fence: u64, value: &Arc<V>, from: &Former<V>) {
        self.put(key, fence, value, from.read_at);
    }

    fn put<V: Value>(&self, key: &Key<V>, fence: u64, value: &Arc<V>, read_at: Instant) {
        // A fence that moves between this look and the insertion leaves an entry of the old fence: no entry.
        if self.fence(key) == fence {
            let value = Arc::clone(value) as Arc<dyn Any + Send + Sync>;
            self.entries.insert(key.text.clone(), Entry { filled_under: fence, read_at, value });
        }
    }

    /// Frees what a raised fence has made worthless. What is kept of events may be carried on.
    pub(super) fn free(&self, source: &Source) {
        if let Source::User(_) = source {
            for entry in source.fixed_entries() {
                self.entries.remove(&entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cache, domain::EventId};

    #[test]
    fn what_was_read_long_ago_is_not_carried_on() {
        let fences = Arc::new(Fences::new());
        fences.trust(true);
        let memory = Memory::new(Arc::clone(&fences));
        let event = EventId::trusted("evt-1");
        let (key, source) = (cache::extent(&event), Source::Event(event));
        let value = Arc::new(crate::read::StoredExtent::default());
        let is_there = |read_at| {
            memory.put(&key, memory.fence(&key), &value, read_at);
            fences.raise(&source);
            let former = memory.get(&key).former;
            former.is_some_and(|former| {
                memory.carry(&key, memory.fence(&key), &value, &former);
                fences.raise(&source);
                memory.get(&key).former.is_some_and(|carried| carried.read_at == read_at)
            })
        };
        let now = Instant::now();
        assert!(is_there(now));
        assert!(!is_there(now.checked_sub(CARRIED_FOR).unwrap()));
    }
}
