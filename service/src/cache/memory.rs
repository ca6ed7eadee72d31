//! The level inside the process: typed values, no serialisation.

use std::{
    any::Any,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use moka::sync::Cache as Moka;

use super::{Key, Lease, Lookup, Source, TTL, Value};

/// Sources share this many fences by hash. Two that share one only lose a fill now and then.
const FENCES: usize = 1 << 14;
/// Entries kept at most.
const CAPACITY: u64 = 20_000;

type Entry = (u64, Arc<dyn Any + Send + Sync>);

pub(crate) struct Memory {
    entries: Moka<String, Entry>,
    fences: Box<[AtomicU64]>,
    hasher: RandomState,
    trusted: AtomicBool,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            entries: Moka::builder().max_capacity(CAPACITY).time_to_live(TTL).build(),
            fences: (0..FENCES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            trusted: AtomicBool::new(false),
        }
    }

    /// Whoever stops hearing of commits must not believe its memory, nor what it kept before it hears again.
    pub(super) fn trust(&self, trusted: bool) {
        if !trusted {
            self.trusted.store(false, Ordering::SeqCst);
        }
        for fence in &self.fences {
            fence.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.invalidate_all();
        if trusted {
            self.trusted.store(true, Ordering::SeqCst);
        }
    }

    fn fence(&self, source: &Source) -> &AtomicU64 {
        let hash = self.hasher.hash_one(source);
        // Lossless: the remainder is below FENCES.
        let slot = usize::try_from(hash % FENCES as u64).unwrap_or(0);
        &self.fences[slot]
    }

    pub(super) fn get<V: Value>(&self, key: &Key<V>) -> Lookup<V> {
        if !self.trusted.load(Ordering::SeqCst) {
            return Lookup::MISS;
        }
        let fence = self.fence(&key.source).load(Ordering::SeqCst);
        let value = self
            .entries
            .get(&key.text)
            .filter(|(filled_under, _)| *filled_under == fence)
            .and_then(|(_, value)| value.downcast().ok());
        Lookup { value, lease: Lease::Memory(fence) }
    }

    pub(super) fn fill<V: Value>(&self, key: &Key<V>, fence: u64, value: &Arc<V>) {
        // A fence that moves between this look and the insertion leaves an entry of the old fence: no entry.
        if self.fence(&key.source).load(Ordering::SeqCst) == fence {
            self.entries.insert(key.text.clone(), (fence, Arc::clone(value) as Arc<dyn Any + Send + Sync>));
        }
    }

    pub(super) fn invalidate(&self, source: &Source) {
        self.fence(source).fetch_add(1, Ordering::SeqCst);
        for entry in source.fixed_entries() {
            self.entries.invalidate(&entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cache, domain::EventId, read::Spending};

    fn entry() -> (Memory, Key<Spending>, Source) {
        let memory = Memory::new();
        memory.trust(true);
        let event = EventId::trusted("evt-1");
        (memory, cache::roi(&event), Source::Event(event))
    }

    #[test]
    fn a_fill_that_a_commit_overtook_is_refused() {
        let (memory, key, source) = entry();
        let Lease::Memory(fence) = memory.get(&key).lease else { panic!("a trusted memory gives leases") };
        memory.invalidate(&source);
        memory.fill(&key, fence, &Arc::new(Spending::default()));
        assert!(memory.get(&key).value.is_none());
    }

    #[test]
    fn a_commit_ends_an_entry() {
        let (memory, key, source) = entry();
        let Lease::Memory(fence) = memory.get(&key).lease else { panic!("a trusted memory gives leases") };
        memory.fill(&key, fence, &Arc::new(Spending::default()));
        assert!(memory.get(&key).value.is_some());
        memory.invalidate(&source);
        assert!(memory.get(&key).value.is_none());
    }

    #[test]
    fn nothing_kept_before_a_loss_of_trust_is_believed_after() {
        let (memory, key, _) = entry();
        let Lease::Memory(fence) = memory.get(&key).lease else { panic!("a trusted memory gives leases") };
        memory.trust(false);
        memory.trust(true);
        memory.fill(&key, fence, &Arc::new(Spending::default()));
        assert!(memory.get(&key).value.is_none());
    }
}
