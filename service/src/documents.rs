//! Texts of GraphQL documents by their hash, so that a client sends a text once and its hash from then on. All replicas
//! behind one Redis share them.

use std::{
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use quick_cache::{Weighter, sync::Cache};
use redis::AsyncCommands;
use sha2::{Digest, Sha256};

use crate::{Service, by_bytes, redis::Redis};

/// Bytes of texts in this process's memory at most.
const MEMORY: u64 = 16 << 20;
/// How long a text is kept in Redis that nobody asks for.
const TTL: Duration = Duration::from_secs(24 * 3600);
/// Bytes that this process gives Redis in an hour at most: whoever invents documents can't fill it.
const TO_REDIS_PER_HOUR: u64 = 4 << 20;

/// A document's SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DocumentHash([u8; 32]);

impl DocumentHash {
    /// The hash of `text` as it stands, byte by byte.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Reads 64 hexadecimal digits, small or capital; `None` where they are not that.
    #[must_use]
    pub fn parse(hex: &str) -> Option<Self> {
        let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
        let bytes = pairs.iter().map(|pair| {
            // `from_str_radix` takes a sign too.
            let digits = std::str::from_utf8(pair).ok().filter(|_| pair.iter().all(u8::is_ascii_hexdigit))?;
            u8::from_str_radix(digits, 16).ok()
        });
        Some(Self(bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()?))
    }

    /// `analytics:document:{hash}`
    fn key(&self) -> String {
        let mut key = "analytics:document:{".to_owned();
        for byte in self.0 {
            let _ = write!(key, "{byte:02x}");
        }
        key + "}"
    }
}

/// What a [`Service`] knows of documents.
pub(crate) struct Documents {
    memory: Cache<DocumentHash, String, Bytes>,
    redis: Option<Redis>,
    given: Mutex<Given>,
}

/// A text's weight.
#[derive(Clone)]
struct Bytes;

impl Weighter<DocumentHash, String> for Bytes {
    fn weight(&self, _: &DocumentHash, text: &String) -> u64 {
        text.len() as u64
    }
}

/// What Redis was given in an hour.
#[derive(Debug, Default)]
struct Given {
    hour: i64,
    bytes: u64,
}

impl Given {
    /// Whether `bytes` more are still within what may be given in this hour.
    fn take(&mut self, hour: i64, bytes: u64) -> bool {
        if self.hour != hour {
            *self = Self { hour, bytes: 0 };
        }
        let is_within = self.bytes.saturating_add(bytes) <= TO_REDIS_PER_HOUR;
        if is_within {
            self.bytes += bytes;
        }
        is_within
    }
}

impl Documents {
    pub(crate) fn new(redis: Option<Redis>) -> Self {
        Self { memory: by_bytes(MEMORY, Bytes), redis, given: Mutex::default() }
    }
}

impl Service {
    /// The text that was kept under its hash; `None` where none was, or no longer is.
    pub async fn document(&self, hash: DocumentHash) -> Option<String> {
        let documents = self.documents();
        if let Some(text) = documents.memory.get(&hash) {
            return Some(text);
        }
        let key = hash.key();
        let ask = async |mut connection: crate::redis::Connection| {
            let expiry = redis::Expiry::EX(TTL.as_secs());
            connection.get_ex::<_, Option<String>>(key, expiry).await
        };
        let text = documents.redis.as_ref()?.ask(ask).await.flatten()?;
        // Others may write to Redis; a text is what hashes to its name.
        (DocumentHash::of(&text) == hash).then(|| {
            documents.memory.insert(hash, text.clone());
            text
        })
    }

    /// Keeps a text for those who will ask for it by its hash. Best effort: where Redis is away, this process knows it
    /// alone.
    pub async fn keep_document(&self, hash: DocumentHash, text: &str) {
        let documents = self.documents();
        if documents.memory.contains_key(&hash) {
            return;
        }
        documents.memory.insert(hash, text.to_owned());
        let Some(redis) = &documents.redis else { return };
        let hour = self.clock().now().timestamp() / 3600;
        let given =
            documents.given.lock().unwrap_or_else(PoisonError::into_inner).take(hour, text.len() as u64);
        if given {
            let key = hash.key();
            let _: Option<()> =
                redis.ask(async |mut connection| connection.set_ex(key, text, TTL.as_secs()).await).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_64_hexadecimal_digits() {
        let hash = DocumentHash::of("{__typename}");
        let hex = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
        assert_eq!(DocumentHash::parse(hex), Some(hash));
        assert_eq!(DocumentHash::parse(&hex.to_uppercase()), Some(hash));
        assert_eq!(hash.key(), format!("analytics:document:{{{hex}}}"));
        for wrong in [
            "",
            "ab",
            &hex[1..],
            &format!("{hex}00"),
            &hex.replace('e', "g"),
            &format!("+{}", &hex[1..]),
            "가",
        ] {
            assert_eq!(DocumentHash::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn redis_is_given_so_much_an_hour() {
        let mut given = Given::default();
        assert!(given.take(1, TO_REDIS_PER_HOUR));
        assert!(!given.take(1, 1));
        assert!(given.take(2, 1));
        assert!(!given.take(2, TO_REDIS_PER_HOUR));
    }
}
