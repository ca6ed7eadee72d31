//! Cache-aside with fences.
//!
//! A lookup returns the entry or, where there is none, the source's fence as it stands. A fill is taken only if the
//! fence has not moved since, and a commit moves it; so a slow reader can't put an old value back. An entry also
//! carries the fence that it was filled under: one that outlived its fence, for whatever reason, is no entry.
//!
//! A cache that is away makes answers slower, never wrong, and is never an error.

mod key;
mod memory;
mod remote;

use std::{sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

pub(crate) use self::key::{Key, Source, channel, dashboard, extent, roi, timeline, user};
use self::{memory::Memory, remote::Remote};

/// How long an entry lives at most.
const TTL: Duration = Duration::from_secs(3600);
/// How long the marker of a processed message lives.
const PROCESSED_TTL: Duration = Duration::from_secs(24 * 3600);

/// What can be kept.
pub(crate) trait Value: Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<V: Serialize + DeserializeOwned + Send + Sync + 'static> Value for V {}

/// Leave to fill one entry.
#[derive(Clone, Debug)]
pub(crate) enum Lease {
    /// The fence in this process's memory.
    Memory(u64),
    /// The fence in Redis.
    Remote(String),
    /// No leave: the cache is away or not to be trusted.
    None,
}

/// The answer of a lookup.
pub(crate) struct Lookup<V> {
    /// The entry.
    pub value: Option<Arc<V>>,
    /// Leave to make it where it is missing.
    pub lease: Lease,
}

impl<V> Lookup<V> {
    const MISS: Self = Self { value: None, lease: Lease::None };
}

pub(crate) enum Cache {
    Memory(Memory),
    Remote(Remote),
}

/// The cache could not be told. What it holds may be old until it is.
#[derive(Debug)]
pub(crate) struct Away;

impl Cache {
    pub(crate) fn memory() -> Self {
        Self::Memory(Memory::new())
    }

    pub(crate) fn remote(redis: crate::redis::Redis) -> Self {
        Self::Remote(Remote::new(redis))
    }

    /// Names the database that entries are made from. Until then nothing is read or kept.
    pub(crate) fn belongs_to(&self, installation: Uuid) {
        if let Self::Remote(remote) = self {
            remote.belongs_to(installation);
        }
    }

    /// Whether what this process holds in its own memory may be believed.
    pub(crate) fn trust(&self, trusted: bool) {
        if let Self::Memory(memory) = self {
            memory.trust(trusted);
        }
    }

    pub(crate) async fn get<V: Value>(&self, key: &Key<V>) -> Lookup<V> {
        let lookup = match self {
            Self::Memory(memory) => memory.get(key),
            Self::Remote(remote) => remote.get(key).await,
        };
        let outcome = if lookup.value.is_some() { "hit" } else { "miss" };
        metrics::counter!("pulsegate_cache_lookups_total", "outcome" => outcome).increment(1);
        lookup
    }

    /// Many at once, in the order of the keys.
    pub(crate) async fn get_all<V: Value>(&self, keys: &[Key<V>]) -> Vec<Lookup<V>> {
        futures_util::future::join_all(keys.iter().map(|key| self.get(key))).await
    }

    /// Keeps a value that was read after the lease was given.
    pub(crate) async fn fill<V: Value>(&self, key: &Key<V>, lease: Lease, value: &Arc<V>) {
        match (self, lease) {
            (Self::Memory(memory), Lease::Memory(fence)) => memory.fill(key, fence, value),
            (Self::Remote(remote), Lease::Remote(fence)) => remote.fill(key, &fence, value).await,
            _ => {}
        }
    }

    /// Makes everything that was made from these sources worthless.
    ///
    /// # Errors
    /// [`Away`] where it must be said again.
    pub(crate) async fn invalidate(&self, sources: &[Source]) -> Result<(), Away> {
        match self {
            Self::Memory(memory) => {
                for source in sources {
                    memory.invalidate(source);
                }
                Ok(())
            }
            Self::Remote(remote) => remote.invalidate(sources).await,
        }
    }

    /// Marks messages whose effects are committed. Best effort, in the background.
    pub(crate) fn mark_processed(&self, ids: Vec<String>) {
        if let Self::Remote(remote) = self {
            remote.mark_processed(ids);
        }
    }
}
