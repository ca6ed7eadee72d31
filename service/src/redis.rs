//! The connection to Redis, single or cluster, that may be away at any time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{
    Client, Cmd, IntoConnectionInfo, Pipeline, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, PubSub},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
};
use tokio::time::Instant;
use tracing::Instrument;

use crate::Error;

/// A cache that takes longer than this to answer is slower than the database behind it.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(250);
const CONNECTION_TIMEOUT: Duration = Duration::from_millis(500);
/// How long nobody asks after Redis did not answer, so that it costs one of many requests its deadline.
const AWAY: Duration = Duration::from_secs(1);

/// A handle, cheap to clone.
#[derive(Clone)]
pub(crate) struct Redis(Arc<Inner>);

struct Inner {
    addresses: Vec<String>,
    connection: tokio::sync::Mutex<Option<Connection>>,
    away_until: Mutex<Option<Instant>>,
}

/// One server, or a cluster of them: found out by asking.
#[derive(Clone)]
pub(crate) enum Connection {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(cmd, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(cmd, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl Redis {
    /// Takes one address, or several of one cluster, separated by commas. Connects when it is first asked.
    pub(crate) fn new(addresses: &str) -> Result<Self, Error> {
        let addresses: Vec<String> = addresses.split(',').map(|address| address.trim().to_owned()).collect();
        for address in &addresses {
            // Its own message may quote the address, and that may hold a password.
            address.as_str().into_connection_info().map_err(|_| Error::Address {
                variable: "REDIS_URL",
                reason: "expected redis://host:port or rediss://host:port, several of one cluster separated by commas"
                    .to_owned(),
            })?;
        }
        Ok(Self(Arc::new(Inner {
            addresses,
            connection: tokio::sync::Mutex::new(None),
            away_until: Mutex::new(None),
        })))
    }

    async fn connection(&self) -> RedisResult<Connection> {
        let mut slot = self.0.connection.lock().await;
        if let Some(connection) = &*slot {
            return Ok(connection.clone());
        }
        let connection = self.connect().await?;
        *slot = Some(connection.clone());
        Ok(connection)
    }

    async fn connect(&self) -> RedisResult<Connection> {
        let mut failure = None;
        for address in &self.0.addresses {
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(1)
                .set_max_delay(Duration::from_millis(100))
                .set_connection_timeout(Some(CONNECTION_TIMEOUT))
                .set_response_timeout(Some(RESPONSE_TIMEOUT));
            let client = Client::open(address.as_str())?;
            let mut single = match ConnectionManager::new_with_config(client, config).await {
                Ok(connection) => connection,
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            let mode: String = redis::cmd("INFO").arg("cluster").query_async(&mut single).await?;
            if !mode.contains("cluster_enabled:1") {
                return Ok(Connection::Single(single));
            }
            let cluster = ClusterClient::builder(self.0.addresses.iter().map(String::as_str))
                .connection_timeout(CONNECTION_TIMEOUT)
                .response_timeout(RESPONSE_TIMEOUT)
                .retries(2)
                .build()?;
            return Ok(Connection::Cluster(cluster.get_async_connection().await?));
        }
        Err(failure.unwrap_or_else(|| (redis::ErrorKind::InvalidClientConfig, "no address").into()))
    }

    /// A connection of its own that listens.
    pub(crate) async fn listen(&self) -> RedisResult<PubSub> {
        let mut failure = None;
        for address in &self.0.addresses {
            let attempt = async { Client::open(address.as_str())?.get_async_pubsub().await };
            match tokio::time::timeout(2 * CONNECTION_TIMEOUT, attempt).await {
                Ok(Ok(listener)) => return Ok(listener),
                Ok(Err(error)) => failure = Some(error),
                Err(_) => failure = Some((redis::ErrorKind::Io, "no answer in time").into()),
            }
        }
        Err(failure.unwrap_or_else(|| (redis::ErrorKind::InvalidClientConfig, "no address").into()))
    }

    /// Asks, unless Redis has just failed to answer. `None` where it is away.
    pub(crate) async fn ask<T, F>(&self, question: impl FnOnce(Connection) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let away_until = *self.0.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        if away_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        self.ask_even_if_away(question).await
    }

    /// Asks in any case: for what must be said, not for what would be nice to know.
    pub(crate) async fn ask_even_if_away<T, F>(&self, question: impl FnOnce(Connection) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let span = tracing::info_span!(target: crate::trace::TARGET, "redis", otel.kind = "client", db.system.name = "redis");
        let answer = async { question(self.connection().await?).await }.instrument(span);
        let outcome = tokio::time::timeout(2 * CONNECTION_TIMEOUT, answer).await;
        let mut away_until = self.0.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = match outcome {
            Ok(Ok(answer)) => {
                if away_until.take().is_some() {
                    tracing::info!("Redis answers again");
                }
                return Some(answer);
            }
            // It answered, if only that it won't: the others may still be served.
            Ok(Err(error)) if error.code().is_some() => {
                tracing::warn!(reason = %error, "Redis refused a command");
                return None;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if away_until.replace(Instant::now() + AWAY).is_none() {
            tracing::warn!(reason, "Redis does not answer: going on without its cache until it does");
        }
        None
    }

    /// Whether it answers now.
    pub(crate) async fn ping(&self) -> bool {
        self.ask_even_if_away(|mut connection| async move {
            redis::cmd("PING").query_async::<String>(&mut connection).await
        })
        .await
        .is_some()
    }
}
