//! A logical database of a shared Redis for each test.

use anyhow::{Context as _, ensure};
use redis::Client;

/// Counts the logical databases that were given out; in the logical database 0, which no test gets.
const COUNTER: &str = "pulsegate:tests:keyspaces";

/// The URL of an emptied logical database that no other running test has.
///
/// # Errors
/// Redis doesn't answer.
pub(super) async fn empty(server: &str) -> anyhow::Result<String> {
    let mut connection =
        Client::open(server)?.get_multiplexed_async_connection().await.context("can't reach Redis")?;
    let (_, databases): (String, u64) =
        redis::cmd("CONFIG").arg("GET").arg("databases").query_async(&mut connection).await?;
    ensure!(databases > 1, "the Redis behind TEST_REDIS_URL has one logical database only");
    let given: u64 = redis::cmd("INCR").arg(COUNTER).query_async(&mut connection).await?;
    let url = format!("{server}/{}", given % (databases - 1) + 1);
    let mut connection = Client::open(url.as_str())?.get_multiplexed_async_connection().await?;
    let () = redis::cmd("FLUSHDB").query_async(&mut connection).await?;
    Ok(url)
}
