//! The level inside the process: typed values, no serialisation.

use std::{any::Any, sync::Arc};

use moka::sync::Cache as Moka;

use super::{Fences, Key, Source, TTL, Value, fences::is_settled};

/// Entries kept at most.
const CAPACITY: u64 = 20_000;

type Entry = (u64, Arc<dyn Any + Send + Sync>);

/// What was found; nothing while commits are not heard of, or just being heard of.
pub(super) struct Held<V> {
    /// The entry.
    pub(super) value: Option<Arc<V>>,
    /// What was kept before a commit touched what it was made of.
    pub(super) former: Option<Arc<V>>,
    /// The fence to fill it under.
    pub(super) fence: Option<u64>,
}

pub(crate) struct Memory {
    entries: Moka<String, Entry>,
    fences: Arc<Fences>,
}

impl Memory {
    pub(super) fn new(fences: Arc<Fences>) -> Self {
        Self { entries: Moka::builder().max_capacity(CAPACITY).time_to_live(TTL).build(), fences }
    }

    /// Frees what is held.
    pub(super) fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// What there is under a key.
    pub(super) fn get<V: Value>(&self, key: &Key<V>) -> Held<V> {
        let fence = self.fence(key);
        if !self.fences.are_trusted() || !is_settled(fence) {
            return Held { value: None, former: None, fence: None };
        }
        let entry = self.entries.get(&key.text);
        let (is_current, value) = entry
            .map_or((false, None), |(filled_under, value)| (filled_under == fence, value.downcast().ok()));
        let (value, former) = if is_current { (value, None) } else { (None, value) };
        Held { value, former, fence: Some(fence) }
    }

    fn fence<V>(&self, key: &Key<V>) -> u64 {
        self.fences.at(self.fences.place(&key.source))
    }

    pub(super) fn fill<V: Value>(&self, key: &Key<V>, fence: u64, value: &Arc<V>) {
        // A fence that moves between this look and the insertion leaves an entry of the old fence: no entry.
        if self.fence(key) == fence {
            self.entries.insert(key.text.clone(), (fence, Arc::clone(value) as Arc<dyn Any + Send + Sync>));
        }
    }

    /// Frees what a raised fence has made worthless. What is kept of events may be carried on.
    pub(super) fn free(&self, source: &Source) {
        if let Source::User(_) = source {
            for entry in source.fixed_entries() {
                self.entries.invalidate(&entry);
            }
        }
    }
}
