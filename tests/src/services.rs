//! The servers that tests share: named in the environment, or started here.

use std::env;

use anyhow::Context as _;
use tokio::sync::OnceCell;

use crate::servers::kafka::{self, Kafka};
use crate::servers::mock::Mock;
use crate::servers::postgres::{self, Durability, Postgres};
use crate::servers::redis::{self, Redis};

/// Names a PostgreSQL server; the user may create databases. `postgres://…/any_database`.
pub const DATABASE_URL: &str = "TEST_DATABASE_URL";
/// Names a Redis server, without a logical database; those from 1 on are emptied.
pub const REDIS_URL: &str = "TEST_REDIS_URL";
/// Names Kafka brokers, `host:port,…`, where topics may be created; or [`MOCK`].
pub const KAFKA_BROKERS: &str = "TEST_KAFKA_BROKERS";
/// As a value of [`KAFKA_BROKERS`]: the mock cluster, in the process that runs the tests.
pub const MOCK: &str = "mock";

/// A server, and whether it is ours to stop.
#[derive(Debug)]
struct Part<S> {
    address: String,
    description: String,
    _started: Option<S>,
}

/// Who answers as Kafka.
#[derive(Debug)]
enum Brokers {
    Real(Part<Kafka>),
    Mock { cluster: Mock, reason: String },
}

/// PostgreSQL, Redis and Kafka.
#[derive(Debug)]
pub struct Services {
    postgres: Part<Postgres>,
    redis: Part<Redis>,
    kafka: Brokers,
}

static SHARED: OnceCell<Services> = OnceCell::const_new();

impl Services {
    /// The services of this test run. The first who asks starts those that no `TEST_…` variable names; the
    /// watchdog stops them when the process ends.
    ///
    /// # Errors
    /// PostgreSQL or Redis can't be had.
    pub async fn shared() -> anyhow::Result<&'static Self> {
        crate::clients::use_ring();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Connects to what the environment names and starts the rest.
    ///
    /// # Errors
    /// PostgreSQL or Redis can't be had, or a named server doesn't answer.
    pub async fn start() -> anyhow::Result<Self> {
        let (postgres, redis, kafka) = tokio::join!(start_postgres(), start_redis(), start_kafka());
        Ok(Self { postgres: postgres?, redis: redis?, kafka: kafka? })
    }

    /// The URL of a database on the PostgreSQL server with the right to create others.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.postgres.address
    }

    /// The URL of the Redis server, without a logical database.
    #[must_use]
    pub fn redis_url(&self) -> &str {
        &self.redis.address
    }

    /// `host:port,…` of Kafka.
    #[must_use]
    pub fn kafka_brokers(&self) -> &str {
        match &self.kafka {
            Brokers::Real(part) => &part.address,
            Brokers::Mock { cluster, .. } => cluster.brokers(),
        }
    }

    /// Whether brokers answer, and not librdkafka's mock cluster.
    #[must_use]
    pub fn kafka_is_real(&self) -> bool {
        matches!(self.kafka, Brokers::Real(_))
    }

    /// Creates topics.
    ///
    /// # Errors
    /// One of them is there already, or Kafka doesn't answer.
    pub async fn create_topics(&self, topics: &[&str], partitions: u16) -> anyhow::Result<()> {
        match &self.kafka {
            Brokers::Real(part) => kafka::create_topics(&part.address, topics, partitions).await,
            Brokers::Mock { cluster, .. } => cluster.create_topics(topics, partitions),
        }
    }

    /// The variables by which another process finds these services. A mock cluster can't be shared with tests,
    /// which create topics in it: they are told to start their own.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, &str); 3] {
        let kafka = match &self.kafka {
            Brokers::Real(part) => &part.address,
            Brokers::Mock { .. } => MOCK,
        };
        [(DATABASE_URL, &self.postgres.address), (REDIS_URL, &self.redis.address), (KAFKA_BROKERS, kafka)]
    }

    /// What ran for real, with versions, in one line; what didn't stands there in capitals.
    #[must_use]
    pub fn real_parts(&self) -> String {
        let (postgres, redis) = (&self.postgres.description, &self.redis.description);
        match &self.kafka {
            Brokers::Real(part) => format!("real parts: {postgres}, {redis}, {}", part.description),
            Brokers::Mock { reason, .. } => format!(
                "real parts: {postgres}, {redis} -- NOT REAL: APACHE KAFKA, librdkafka's mock cluster stood in ({reason})"
            ),
        }
    }
}

async fn start_postgres() -> anyhow::Result<Part<Postgres>> {
    let (address, started) = if let Some(url) = named(DATABASE_URL) {
        (url, None)
    } else {
        let server = Postgres::start(&postgres::Source::find()?, Durability::None).await?;
        (server.url("postgres"), Some(server))
    };
    let version = postgres::version(&address).await.context(DATABASE_URL)?;
    Ok(Part { address, description: format!("PostgreSQL {version}"), _started: started })
}

async fn start_redis() -> anyhow::Result<Part<Redis>> {
    let (address, started) = if let Some(url) = named(REDIS_URL) {
        (url, None)
    } else {
        let server = Redis::start(redis::Source::find()?).await?;
        (server.url(), Some(server))
    };
    let version = redis::version(&address).await.context(REDIS_URL)?;
    Ok(Part { address, description: format!("Redis {version}"), _started: started })
}

async fn start_kafka() -> anyhow::Result<Brokers> {
    match named(KAFKA_BROKERS).as_deref() {
        Some(MOCK) => {
            Ok(Brokers::Mock { cluster: Mock::start()?, reason: format!("{KAFKA_BROKERS} says so") })
        }
        Some(brokers) => {
            kafka::answers(brokers).await.context(KAFKA_BROKERS)?;
            // Brokers tell clients what they can do, not their version.
            let description = format!("Kafka as named in {KAFKA_BROKERS}");
            Ok(Brokers::Real(Part { address: brokers.to_owned(), description, _started: None }))
        }
        None => match kafka::Source::obtain() {
            Ok(source) => {
                let broker = Kafka::start(&source).await?;
                let description = format!("Apache Kafka {}", broker.version());
                Ok(Brokers::Real(Part { address: broker.brokers(), description, _started: Some(broker) }))
            }
            Err(error) => {
                let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
                Ok(Brokers::Mock { cluster: Mock::start()?, reason })
            }
        },
    }
}

fn named(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}
