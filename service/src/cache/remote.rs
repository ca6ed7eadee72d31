//! The level in Redis that all processes share, under the ERD's keys.

use std::sync::{Arc, OnceLock};

use redis::{Script, Value as RedisValue};
use uuid::Uuid;

use super::{Away, Key, Source, TTL, Value};
use crate::redis::Redis;

/// Part of every fence: another format of values, or another database behind the same Redis, has other fences.
const FORMAT: &str = "5";

/// Gives the fence, made where there is none or where it belongs to somebody else, and the entry if it was filled
/// under that fence. A lost fence comes back as another one, so nothing that was filled before it was lost counts.
///
/// A fence belongs to one run of one server, too: a replica that takes over, and a server that starts again from a
/// snapshot, may hold a fence that has moved since, with the entry that was filled under it. Where the user may not ask for
/// the run, that is not noticed.
const LOOKUP: &str = "
local server = redis.pcall('INFO', 'server')
local run = type(server) == 'string' and string.match(server, 'run_id:(%w+)') or ''
local owner = ARGV[1] .. run .. ':'
local fence = redis.call('GET', KEYS[2])
if not fence or string.sub(fence, 1, #owner) ~= owner then
    fence = owner .. ARGV[2]
    redis.call('SET', KEYS[2], fence, 'EX', ARGV[3])
end
local entry = redis.call('GET', KEYS[1])
if entry and string.sub(entry, 1, #fence) == fence then
    return {fence, string.sub(entry, #fence + 1)}
end
return {fence, false}";

const FILL: &str = "
if redis.call('GET', KEYS[2]) == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'EX', ARGV[3])
    return 1
end
return 0";

pub(crate) struct Remote {
    redis: Redis,
    lookup: Script,
    fill: Script,
    owner: OnceLock<String>,
}

impl Remote {
    pub(super) fn new(redis: Redis) -> Self {
        Self { redis, lookup: Script::new(LOOKUP), fill: Script::new(FILL), owner: OnceLock::new() }
    }

    pub(super) fn belongs_to(&self, installation: Uuid) {
        self.owner.get_or_init(|| format!("{FORMAT}:{}:", installation.simple()));
    }

    /// The entry, and the fence to fill it under where it is missing. Neither where Redis is away.
    pub(super) async fn get<V: Value>(&self, key: &Key<V>) -> (Option<Arc<V>>, Option<String>) {
        let Some(owner) = self.owner.get() else { return (None, None) };
        let answer: Option<(String, Option<Vec<u8>>)> = self
            .redis
            .ask(|mut connection| async move {
                self.lookup
                    .key(&key.text)
                    .key(key.source.fence())
                    .arg(owner)
                    .arg(Uuid::new_v4().simple().to_string())
                    .arg(2 * TTL.as_secs())
                    .invoke_async(&mut connection)
                    .await
            })
            .await;
        let Some((fence, entry)) = answer else { return (None, None) };
        (entry.and_then(|bytes| serde_json::from_slice(&bytes).ok()).map(Arc::new), Some(fence))
    }

    pub(super) async fn fill<V: Value>(&self, key: &Key<V>, fence: &str, value: &Arc<V>) {
        let Ok(bytes) = serde_json::to_vec(value.as_ref()) else { return };
        // Entries that were filled together do not expire together.
        let early = Uuid::new_v4().as_u64_pair().0 % (TTL.as_secs() / 10);
        let _: Option<RedisValue> = self
            .redis
            .ask(|mut connection| async move {
                self.fill
                    .key(&key.text)
                    .key(key.source.fence())
                    .arg(fence)
                    .arg(&bytes)
                    .arg(TTL.as_secs() - early)
                    .invoke_async(&mut connection)
                    .await
            })
            .await;
    }

    pub(super) async fn invalidate(&self, sources: &[Source]) -> Result<(), Away> {
        // The next lookup makes another fence.
        let commands = sources.iter().map(|source| {
            let mut command = redis::cmd("UNLINK");
            command.arg(source.fence()).arg(source.fixed_entries());
            command
        });
        let commands = commands.collect();
        let done: Option<()> =
            self.redis.ask_even_if_away(|connection| async move { connection.run(commands).await }).await;
        done.ok_or(Away)
    }
}
