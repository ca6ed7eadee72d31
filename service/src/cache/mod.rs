//! Cache-aside with fences.
//!
//! A lookup returns the entry or, where there is none, the source's fence as it stands. A fill is taken only if the
//! fence has not moved since, and a commit moves it; so a slow reader can't put an old value back. An entry also
//! carries the fence that it was filled under: one that outlived its fence, for whatever reason, is no entry.
//!
//! A cache that is away makes answers slower, never wrong, and is never an error.

mod fences;
mod key;
mod marks;
mod memory;
#[cfg(test)]
mod model;
mod remote;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::future::join_all;
use metrics::{Counter, counter};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

pub(crate) use self::fences::{Fences, Place};
pub(crate) use self::key::{Key, Labelled, Source, channel, dashboard, extent, roi, timeline, user};
use self::{
    marks::Marks,
    memory::{Held, Memory},
    remote::Remote,
};

/// How long an entry lives at most.
const TTL: Duration = Duration::from_secs(3600);
/// How long the marker of a processed message lives.
const PROCESSED_TTL: Duration = Duration::from_secs(24 * 3600);

/// Counts a lookup. The counter is found once: that takes longer than the lookup.
macro_rules! looked_up {
    ($level:literal, $outcome:literal) => {{
        static COUNTER: LazyLock<Counter> = LazyLock::new(
        || counter!("pulsegate_cache_lookups_total", "level" => $level, "outcome" => $outcome),
        );
        COUNTER.increment(1);
    }};
}

/// What can be kept.
pub(crate) trait Value: Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<V: Serialize + DeserializeOwned + Send + Sync + 'static> Value for V {}

/// Leave to fill one entry, at each level that is there and to be trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lease {
    /// The fence in this process.
    memory: Option<u64>,
    /// The fence in Redis.
    remote: Option<String>,
}

/// The answer of a lookup.
pub(crate) struct Lookup<V> {
    /// The entry.
    pub value: Option<Arc<V>>,
    /// Leave to make it where it is missing.
    pub lease: Lease,
}

/// Two levels: this process's memory over the Redis that all share, where there is one.
///
/// The memory is right to what this process has heard of: a commit raises the fences in Redis first, is told second,
/// and whoever hears of it raises its own before it tells its followers.
pub(crate) struct Cache {
    fences: Arc<Fences>,
    memory: Memory,
    remote: Option<Remote>,
    marks: Option<Marks>,
    /// Whether anything is kept and believed. What other processes keep in Redis is taken back by who commits here in any
    /// case.
    keeps: bool,
}

/// The cache could not be told. What it holds may be old until it is.
#[derive(Debug)]
pub(crate) struct Away;

impl Cache {
    pub(crate) fn new(redis: Option<crate::redis::Redis>, keeps: bool) -> Self {
        let fences = Arc::new(Fences::new());
        let marks = redis.clone().map(Marks::new);
        Self {
            memory: Memory::new(Arc::clone(&fences)),
            fences,
            remote: redis.map(Remote::new),
            marks,
            keeps,
        }
    }

    /// What tells whether something that is kept elsewhere in this process still holds.
    pub(crate) const fn fences(&self) -> &Arc<Fences> {
        &self.fences
    }

    /// Names the database that entries are made from. Until then nothing is read or kept in Redis.
    pub(crate) fn belongs_to(&self, installation: Uuid) {
        if let Some(remote) = &self.remote {
            remote.belongs_to(installation);
        }
    }

    /// Whether what this process holds in its own memory may be believed.
    pub(crate) fn trust(&self, trusted: bool) {
        self.fences.trust(trusted && self.keeps);
        self.memory.clear();
    }

    /// Whether anything is kept.
    pub(crate) const fn keeps(&self) -> bool {
        self.keeps
    }

    #[cfg(test)]
    pub(crate) async fn get<V: Value>(&self, key: &Key<V>) -> Lookup<V> {
        self.get_or_carry(key, |_| None).await
    }

    #[cfg(test)]
    async fn get_or_carry<V: Value>(&self, key: &Key<V>, carry: impl Fn(&V) -> Option<V>) -> Lookup<V> {
        let mut lookups = self.get_all_or_carry(std::slice::from_ref(key), |_, former| carry(former)).await;
        lookups.pop().unwrap()
    }

    /// What this process holds, and waits for nothing; what a commit has touched may be carried on. Who misses it here asks
    /// for it at all levels, which counts as the miss.
    pub(crate) fn held<V: Value>(&self, key: &Key<V>, carry: impl FnOnce(&V) -> Option<V>) -> Option<Arc<V>> {
        self.find_in_memory(key, carry).value
    }

    fn look_into_memory<V: Value>(&self, key: &Key<V>, carry: impl FnOnce(&V) -> Option<V>) -> Lookup<V> {
        let found = self.find_in_memory(key, carry);
        if self.keeps && found.value.is_none() {
            looked_up!("memory", "miss");
        }
        found
    }

    fn find_in_memory<V: Value>(&self, key: &Key<V>, carry: impl FnOnce(&V) -> Option<V>) -> Lookup<V> {
        if !self.keeps {
            return Lookup { value: None, lease: Lease::default() };
        }
        // The fence is looked at before anything is read: what is filled under it is at least as new.
        let Held { value, former, fence } = self.memory.get(key);
        if value.is_some() {
            looked_up!("memory", "hit");
            return Lookup { value, lease: Lease::default() };
        }
        if let (Some(fence), Some(former)) = (fence, &former)
            && let Some(carried) = carry(&former.value).map(Arc::new)
        {
            looked_up!("memory", "carried");
            self.memory.carry(key, fence, &carried, former);
            return Lookup { value: Some(carried), lease: Lease::default() };
        }
        Lookup { value: None, lease: Lease { memory: fence, remote: None } }
    }

    /// What is missing in the memory may be there.
    async fn look_into_redis<V: Value>(&self, key: &Key<V>, mut lease: Lease) -> Lookup<V> {
        let Some(remote) = self.remote.as_ref().filter(|_| !self.fences.is_restless(&key.source)) else {
            return Lookup { value: None, lease };
        };
        let (value, fence) = remote.get(key).await;
        if value.is_some() {
            looked_up!("redis", "hit");
        } else {
            looked_up!("redis", "miss");
        }
        if let (Some(value), Some(fence)) = (&value, lease.memory) {
            self.memory.fill(key, fence, value);
        }
        lease.remote = fence;
        Lookup { value, lease }
    }

    /// Many at once, in the order of the keys.
    pub(crate) async fn get_all<V: Value>(&self, keys: &[Key<V>]) -> Vec<Lookup<V>> {
        self.get_all_or_carry(keys, |_, _| None).await
    }

    /// Many at once, in the order of the keys; what a commit has touched may be carried on, as the key's place says.
    pub(crate) async fn get_all_or_carry<V: Value>(
        &self,
        keys: &[Key<V>],
        carry: impl Fn(usize, &V) -> Option<V>,
    ) -> Vec<Lookup<V>> {
        let lookups = keys.iter().enumerate();
        let lookups = lookups.map(|(place, key)| self.look_into_memory(key, |former| carry(place, former)));
        let mut lookups: Vec<_> = lookups.collect();
        if self.keeps {
            let missing = keys.iter().zip(&mut lookups).filter(|(_, lookup)| lookup.value.is_none());
            let found = missing.map(async |(key, lookup)| {
                *lookup = self.look_into_redis(key, std::mem::take(&mut lookup.lease)).await;
            });
            join_all(found).await;
        }
        lookups
    }

    /// Keeps a value that was read after the lease was given.
    pub(crate) async fn fill<V: Value>(&self, key: &Key<V>, lease: Lease, value: &Arc<V>) {
        if let Some(fence) = lease.memory {
            self.memory.fill(key, fence, value);
        }
        if let (Some(remote), Some(fence)) = (&self.remote, lease.remote) {
            remote.fill(key, &fence, value).await;
        }
    }

    /// Makes everything that was made from these sources worthless.
    ///
    /// # Errors
    /// [`Away`] where Redis must be told again.
    pub(crate) async fn invalidate(&self, sources: &[Source]) -> Result<(), Away> {
        let told = match &self.remote {
            Some(remote) => remote.invalidate(sources).await,
            None => Ok(()),
        };
        // In any case, and second: whoever finds the new fence here finds no old entry in Redis.
        self.invalidate_memory(sources);
        told
    }

    /// The same for this process alone: what is in Redis was made worthless by whoever committed, or is about to be.
    pub(crate) fn invalidate_memory(&self, sources: &[Source]) {
        for source in sources {
            self.fences.raise(source);
            self.memory.free(source);
        }
    }

    /// Lets something that is known of these sources move on: nothing that was known before is kept after.
    pub(crate) fn while_moving<T>(&self, sources: &[Source], what: impl FnOnce() -> T) -> T {
        let told = self.fences.while_moving(sources, what);
        for source in sources {
            self.memory.free(source);
        }
        told
    }

    /// Marks messages whose effects are committed. Best effort, in the background.
    pub(crate) fn mark_processed(&self, ids: Vec<String>) {
        if let Some(marks) = &self.marks {
            marks.set(ids);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{domain::EventId, read::Spending};

    fn nothing() -> Labelled<Spending> {
        Labelled { revision: 1, value: Spending::default() }
    }

    fn entry() -> (Cache, Key<Labelled<Spending>>, [Source; 1]) {
        let cache = Cache::new(None, true);
        cache.trust(true);
        let event = EventId::trusted("evt-1");
        (cache, roi(&event), [Source::Event(event)])
    }

    #[tokio::test]
    async fn a_fill_that_a_commit_overtook_is_refused() {
        let (cache, key, source) = entry();
        let lease = cache.get(&key).await.lease;
        cache.invalidate(&source).await.unwrap();
        cache.fill(&key, lease, &Arc::new(nothing())).await;
        assert!(cache.get(&key).await.value.is_none());
    }

    #[tokio::test]
    async fn a_commit_ends_an_entry() {
        let (cache, key, source) = entry();
        let lease = cache.get(&key).await.lease;
        cache.fill(&key, lease, &Arc::new(nothing())).await;
        assert!(cache.get(&key).await.value.is_some());
        cache.invalidate(&source).await.unwrap();
        assert!(cache.get(&key).await.value.is_none());
    }

    #[tokio::test]
    async fn what_a_commit_has_touched_may_be_carried_on() {
        let (cache, key, source) = entry();
        let next =
            |labelled: &Labelled<Spending>| Some(Labelled { revision: labelled.revision + 1, ..*labelled });
        let lease = cache.get(&key).await.lease;
        cache.fill(&key, lease, &Arc::new(nothing())).await;
        let mut seen = Vec::new();
        for _ in 0..2 {
            seen.push(cache.get_or_carry(&key, next).await.value.unwrap().revision);
            cache.while_moving(&source, || ());
            seen.push(cache.get_or_carry(&key, next).await.value.unwrap().revision);
        }
        assert_eq!(seen, [1, 2, 2, 3]);
        let in_motion = cache.while_moving(&source, || cache.get_or_carry(&key, next).now_or_never());
        assert!(in_motion.unwrap().value.is_none());
    }

    #[tokio::test]
    async fn nothing_kept_before_a_loss_of_trust_is_believed_after() {
        let (cache, key, _) = entry();
        let lease = cache.get(&key).await.lease;
        cache.trust(false);
        cache.trust(true);
        cache.fill(&key, lease, &Arc::new(nothing())).await;
        assert!(cache.get(&key).await.value.is_none());
    }
}
