//! A logical database of a shared Redis for each test.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};

/// Counts the logical databases that were given out; in the logical database 0, which no test gets.
const COUNTER: &str = "pulsegate:tests:keyspaces";
/// Ample, because tests make machines busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// The URL of an emptied logical database that no other running test has.
///
/// # Errors
/// Redis doesn't answer.
pub(super) async fn empty(server: &str) -> anyhow::Result<String> {
    let mut connection = connect(server).await?;
    let (_, databases): (String, u64) =
        redis::cmd("CONFIG").arg("GET").arg("databases").query_async(&mut connection).await?;
    ensure!(databases > 1, "the Redis behind TEST_REDIS_URL has one logical database only");
    let given: u64 = redis::cmd("INCR").arg(COUNTER).query_async(&mut connection).await?;
    let url = format!("{server}/{}", given % (databases - 1) + 1);
    let mut connection = connect(&url).await?;
    let () = redis::cmd("FLUSHDB").query_async(&mut connection).await?;
    Ok(url)
}

async fn connect(url: &str) -> anyhow::Result<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    Client::open(url)?
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .context("can't reach Redis")
}
