//! The connection to Redis, single or cluster, that may be away at any time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, future::try_join_all, stream::BoxStream};
use redis::{
    Client, Cmd, IntoConnectionInfo, Msg, Pipeline, ProtocolVersion, PushInfo, PushKind, RedisFuture,
    RedisResult, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, PubSub},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::Instant,
};
use tracing::Instrument;

use crate::Error;

/// A cache that takes longer than this to answer is slower than the database behind it.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(250);
const CONNECTION_TIMEOUT: Duration = Duration::from_millis(500);
/// To connect to all nodes of a cluster, and to subscribe.
const LISTENING_TIMEOUT: Duration = Duration::from_secs(5);
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

impl Connection {
    /// What tells a channel. In a cluster only the shard hears of it that the channel's name belongs to, and not every
    /// node.
    pub(crate) const fn publish(&self) -> &'static str {
        match self {
            Self::Single(_) => "PUBLISH",
            Self::Cluster(_) => "SPUBLISH",
        }
    }
}

impl Connection {
    /// Has commands executed, whose answers don't matter. The keys of each share a slot.
    pub(crate) async fn run(&self, all: Vec<Cmd>) -> RedisResult<()> {
        match self {
            Self::Single(_) => {
                let mut pipeline = Pipeline::with_capacity(all.len());
                for command in all {
                    pipeline.add_command(command).ignore();
                }
                pipeline.query_async(&mut self.clone()).await
            }
            Self::Cluster(_) => {
                let run = async |command: &Cmd| command.query_async::<()>(&mut self.clone()).await;
                try_join_all(all.iter().map(run)).await.map(drop)
            }
        }
    }
}

/// Hears what is told on a channel.
pub(crate) enum Listener {
    Single(BoxStream<'static, Msg>),
    Cluster { _connection: ClusterConnection, pushes: UnboundedReceiver<PushInfo> },
}

impl Listener {
    /// The next message; `None` where something may have been missed.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Single(messages) => Some(messages.next().await?.get_payload_bytes().to_vec()),
            Self::Cluster { pushes, .. } => loop {
                let PushInfo { kind, mut data } = pushes.recv().await?;
                match kind {
                    PushKind::SMessage => match data.pop() {
                        Some(Value::BulkString(payload)) => return Some(payload),
                        _ => return None,
                    },
                    // The library subscribes again by itself, but what was told meanwhile is lost. A node that gives the
                    // channel's slot away ends the subscription.
                    PushKind::Disconnection | PushKind::SUnsubscribe => return None,
                    _ => {}
                }
            },
        }
    }
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
            return Ok(Connection::Cluster(self.cluster().build()?.get_async_connection().await?));
        }
        Err(failure.unwrap_or_else(|| (redis::ErrorKind::InvalidClientConfig, "no address").into()))
    }

    /// A connection of its own that listens to a channel.
    pub(crate) async fn listen(&self, channel: &str) -> RedisResult<Listener> {
        let listener = tokio::time::timeout(LISTENING_TIMEOUT, self.listen_now(channel)).await;
        listener.unwrap_or_else(|_| Err((redis::ErrorKind::Io, "no answer in time").into()))
    }

    async fn listen_now(&self, channel: &str) -> RedisResult<Listener> {
        match self.connection().await? {
            Connection::Single(_) => {
                let mut listener = self.listen_to_one().await?;
                listener.subscribe(channel).await?;
                Ok(Listener::Single(listener.into_on_message().boxed()))
            }
            Connection::Cluster(_) => {
                let (push, pushes) = unbounded_channel();
                let client = self.cluster().use_protocol(ProtocolVersion::RESP3).push_sender(push).build()?;
                let mut connection = client.get_async_connection().await?;
                connection.ssubscribe(channel).await?;
                Ok(Listener::Cluster { _connection: connection, pushes })
            }
        }
    }

    fn cluster(&self) -> ClusterClientBuilder {
        ClusterClient::builder(self.0.addresses.iter().map(String::as_str))
            .connection_timeout(CONNECTION_TIMEOUT)
            .response_timeout(RESPONSE_TIMEOUT)
            .retries(2)
    }

    async fn listen_to_one(&self) -> RedisResult<PubSub> {
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
        // In a box, because it is large, and whatever looks into the cache would be as large.
        let outcome = tokio::time::timeout(2 * CONNECTION_TIMEOUT, Box::pin(answer)).await;
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
