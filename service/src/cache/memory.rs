//! The level inside the process: typed values, no serialisation.

use std::{any::Any, sync::Arc};

use moka::sync::Cache as Moka;

use super::{Fences, Key, Source, TTL, Value};

/// Entries kept at most.
const CAPACITY: u64 = 20_000;

type Entry = (u64, Arc<dyn Any + Send + Sync>);

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

    /// The entry, and the fence to fill it under where it is missing. Neither while commits are not heard of.
    pub(super) fn get<V: Value>(&self, key: &Key<V>) -> (Option<Arc<V>>, Option<u64>) {
        if !self.fences.are_trusted() {
            return (None, None);
        }
        let fence = self.fence(key);
        let value = self
            .entries
            .get(&key.text)
            .filter(|(filled_under, _)| *filled_under == fence)
            .and_then(|(_, value)| value.downcast().ok());
        (value, Some(fence))
    }

    /// The entry, whatever happened since it was filled.
    pub(super) fn former<V: Value>(&self, key: &Key<V>) -> Option<Arc<V>> {
        if !self.fences.are_trusted() {
            return None;
        }
        self.entries.get(&key.text).and_then(|(_, value)| value.downcast().ok())
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

    /// Frees what a raised fence has made worthless.
    pub(super) fn free(&self, source: &Source) {
        for entry in source.fixed_entries() {
            self.entries.invalidate(&entry);
        }
    }
}
