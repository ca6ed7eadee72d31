use std::{
    collections::HashSet,
    fmt,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio_util::sync::CancellationToken;

use super::{jwk, key::Pinned, unauthenticated};
use crate::error::{ErrorCode, Fault};

/// How often the keys are asked for while all is well: a key that was taken back is trusted for so long.
const REFRESH: Duration = Duration::from_secs(300);
/// How soon after a failure they are asked for again.
const RETRY: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(3);
/// A token that names an unknown key makes the keys be asked for at once, since it may be a new one. Five times in a
/// row, and then once in this while: anybody can send such tokens.
const UNKNOWN_IN_A_ROW: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);
const UNKNOWN_AGAIN: Duration = Duration::from_secs(10);

/// Where an issuer publishes its keys.
#[async_trait]
pub trait KeySource: Send + Sync + 'static {
    /// The JSON Web Key Set as it is now, or why there is none, in words for an operator.
    async fn fetch(&self) -> Result<Vec<u8>, String>;
}

/// An issuer's published keys (JWKS), kept current. While the issuer is away those that were read last go on.
pub struct KeySet {
    source: Box<dyn KeySource>,
    keys: RwLock<Arc<Vec<Named>>>,
    trouble: Mutex<Option<String>>,
    /// Counts the tries; held during one.
    tries: tokio::sync::Mutex<u64>,
    unknown: DefaultDirectRateLimiter,
}

/// A key and the name that tokens know it by.
pub(super) struct Named {
    pub(super) kid: Option<String>,
    pub(super) pinned: Pinned,
}

impl KeySet {
    /// The keys behind `source`; none until [`Self::keep_current`] runs.
    #[must_use]
    pub fn new(source: Box<dyn KeySource>) -> Arc<Self> {
        let quota = Quota::with_period(UNKNOWN_AGAIN).unwrap_or(Quota::per_minute(UNKNOWN_IN_A_ROW));
        Arc::new(Self {
            source,
            keys: RwLock::new(Arc::default()),
            trouble: Mutex::new(Some("the issuer's keys were not read yet".to_owned())),
            tries: tokio::sync::Mutex::new(0),
            unknown: RateLimiter::direct(quota.allow_burst(UNKNOWN_IN_A_ROW)),
        })
    }

    /// Reads the keys now and again, until `stop`.
    pub async fn keep_current(self: Arc<Self>, stop: CancellationToken) {
        let read = async {
            loop {
                let fine = {
                    let mut tries = self.tries.lock().await;
                    self.read(&mut tries).await
                };
                tokio::time::sleep(if fine { REFRESH } else { RETRY }).await;
            }
        };
        stop.run_until_cancelled(read).await;
    }

    /// Reads the keys this once, and counts them.
    ///
    /// # Errors
    /// Why they can't be read.
    pub async fn read_once(&self) -> Result<usize, String> {
        let mut tries = self.tries.lock().await;
        if self.read(&mut tries).await {
            Ok(self.keys().len())
        } else {
            Err(self.trouble().clone().unwrap_or_default())
        }
    }

    /// Why there are no keys; `None` where there are. An issuer that is away does no harm as long as its keys are known.
    pub(crate) fn missing(&self) -> Option<String> {
        if self.keys().is_empty() { self.trouble().clone() } else { None }
    }

    /// Sees to it that a key of this name is known, if the issuer has one. Waits for the issuer, but not for ever, and not
    /// for everybody who asks.
    pub(super) async fn look_for(&self, kid: Option<&str>) {
        if self.find(kid).is_ok() {
            return;
        }
        let before = *self.tries.lock().await;
        let mut tries = self.tries.lock().await;
        // Somebody else has just asked.
        if *tries != before || self.find(kid).is_ok() || self.unknown.check().is_err() {
            return;
        }
        self.read(&mut tries).await;
    }

    /// The key of this name. Without a name it is the only one.
    pub(super) fn choose(&self, kid: Option<&str>) -> Result<Pinned, Fault> {
        if self.keys().is_empty() {
            let message = "Tokens can't be checked until their issuer's keys are there. Try again soon.";
            return Err(Fault::new(ErrorCode::Unavailable, message));
        }
        self.find(kid).map_err(unauthenticated)
    }

    fn find(&self, kid: Option<&str>) -> Result<Pinned, &'static str> {
        let keys = self.keys();
        match kid {
            Some(kid) => keys
                .iter()
                .find(|key| key.kid.as_deref() == Some(kid))
                .map(|key| key.pinned.clone())
                .ok_or("The token is signed with a key that its issuer does not publish."),
            None => match &**keys {
                [only] => Ok(only.pinned.clone()),
                _ => Err("The token must name its key (`kid`)."),
            },
        }
    }

    /// Whether it went well.
    async fn read(&self, tries: &mut u64) -> bool {
        *tries += 1;
        let fetched = tokio::time::timeout(PATIENCE, self.source.fetch())
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
        let outcome = fetched.and_then(|document| jwk::read_set(&document));
        let mut trouble = self.trouble();
        match outcome {
            Ok(keys) => {
                let names = |keys: &[Named]| -> HashSet<Option<String>> {
                    keys.iter().map(|key| key.kid.clone()).collect()
                };
                if trouble.take().is_some() || names(&self.keys()) != names(&keys) {
                    tracing::info!(keys = keys.len(), "the keys of the tokens' issuer were read");
                }
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                true
            }
            Err(reason) => {
                let text = format!("the issuer's keys can't be read: {reason}");
                if trouble.as_ref() != Some(&text) {
                    tracing::warn!(reason, known = self.keys().len(), "the issuer's keys can't be read");
                }
                *trouble = Some(text);
                false
            }
        }
    }

    fn keys(&self) -> Arc<Vec<Named>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.keys().len()).finish_non_exhaustive()
    }
}
