//! A deployment of the product for one test: its own database, key space, topics and consumer group on the shared
//! servers, so that tests run side by side.

mod database;
mod embedded;
mod keyspace;
mod pulsegate;
mod topics;

use std::process::Output;

use sea_orm::sqlx::PgPool;

use self::database::Database;
pub use self::embedded::Embedded;
pub use self::pulsegate::{Pulsegate, Role, binary};
pub use self::topics::Topics;
use crate::clients::kcat::Kcat;
use crate::servers::kafka::{self, Kafka};
use crate::servers::postgres::Postgres;
use crate::servers::redis::Redis;
use crate::services::Services;
use crate::unique;

/// Partitions of a test's topics, where it doesn't say otherwise.
const PARTITIONS: u16 = 4;

/// Chooses what a [`Testbed`] stands on.
#[derive(Debug)]
pub struct Builder<'a> {
    postgres: Option<&'a Postgres>,
    redis: Option<&'a Redis>,
    kafka: Option<&'a Kafka>,
    partitions: u16,
    migrated: bool,
}

impl<'a> Builder<'a> {
    /// A server of the test's own, which it may kill, instead of the shared one.
    #[must_use]
    pub fn postgres(self, server: &'a Postgres) -> Self {
        Self { postgres: Some(server), ..self }
    }

    /// A server of the test's own, which it may kill, instead of the shared one.
    #[must_use]
    pub fn redis(self, server: &'a Redis) -> Self {
        Self { redis: Some(server), ..self }
    }

    /// A broker of the test's own, which it may kill, instead of the shared one.
    #[must_use]
    pub fn kafka(self, broker: &'a Kafka) -> Self {
        Self { kafka: Some(broker), ..self }
    }

    /// How many partitions each of the topics has.
    #[must_use]
    pub fn partitions(self, partitions: u16) -> Self {
        Self { partitions, ..self }
    }

    /// Leaves the database without tables.
    #[must_use]
    pub fn unmigrated(self) -> Self {
        Self { migrated: false, ..self }
    }

    /// Makes the database, the key space and the topics.
    ///
    /// # Errors
    /// A server doesn't answer, or `pulsegate migrate up` fails.
    pub async fn build(self) -> anyhow::Result<Testbed> {
        let services = Services::shared().await?;
        let name = unique::name();
        let database = match (self.postgres, self.migrated) {
            (Some(server), true) => Database::migrated(&server.url("postgres"), &name).await?,
            (Some(server), false) => Database::empty(&server.url("postgres"), &name).await?,
            (None, true) => Database::copied(services.database_url(), &name).await?,
            (None, false) => Database::empty(services.database_url(), &name).await?,
        };
        let redis_url = match self.redis {
            Some(server) => server.url(),
            None => keyspace::empty(services.redis_url()).await?,
        };
        let topics = Topics::new(&name);
        let brokers = if let Some(broker) = self.kafka {
            kafka::create_topics(&broker.brokers(), &topics.all(), self.partitions).await?;
            broker.brokers()
        } else {
            services.create_topics(&topics.all(), self.partitions).await?;
            services.kafka_brokers().to_owned()
        };
        Ok(Testbed { name, database, redis_url, brokers, topics })
    }
}

/// A deployment of the product for one test.
#[derive(Debug)]
pub struct Testbed {
    name: String,
    database: Database,
    redis_url: String,
    brokers: String,
    topics: Topics,
}

impl Testbed {
    /// On the shared servers.
    ///
    /// # Errors
    /// As for [`Builder::build`].
    pub async fn new() -> anyhow::Result<Self> {
        Self::builder().build().await
    }

    /// On servers of the test's choice.
    #[must_use]
    pub fn builder<'a>() -> Builder<'a> {
        Builder { postgres: None, redis: None, kafka: None, partitions: PARTITIONS, migrated: true }
    }

    /// Makes an id that no other test has: servers are shared, and so is what is published on them.
    #[must_use]
    pub fn id(&self, kind: &str, number: usize) -> String {
        format!("{kind}-{}-{number:04}", self.name)
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &PgPool {
        self.database.pool()
    }

    /// The URL of the database.
    #[must_use]
    pub fn database_url(&self) -> &str {
        self.database.url()
    }

    /// The URL of the Redis key space.
    #[must_use]
    pub fn redis_url(&self) -> &str {
        &self.redis_url
    }

    /// The topics.
    #[must_use]
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// The consumer group.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.name
    }

    /// `host:port,…` of Kafka.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// How many messages of its topics the consumer group hasn't committed yet.
    ///
    /// # Errors
    /// Kafka doesn't answer.
    pub async fn lag(&self) -> anyhow::Result<i64> {
        kafka::lag(&self.brokers, &self.name, &self.topics.sources()).await
    }

    /// An independent client for its topics.
    #[must_use]
    pub fn kcat(&self) -> Kcat {
        Kcat::new(&self.brokers)
    }

    /// Starts the product in `role`, as a process of its own; returns when it says that it is ready.
    ///
    /// # Errors
    /// It ends, or isn't ready in time.
    pub async fn start(&self, role: Role) -> anyhow::Result<Pulsegate> {
        self.start_with(role, &[]).await
    }

    /// Like [`Self::start`], with further variables.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub async fn start_with(&self, role: Role, variables: &[(&str, &str)]) -> anyhow::Result<Pulsegate> {
        Pulsegate::start(role, &self.environment(variables)).await
    }

    /// Starts the product in `role` without waiting for anything.
    ///
    /// # Errors
    /// It can't be executed.
    pub fn launch(&self, role: Role, variables: &[(&str, &str)]) -> anyhow::Result<Pulsegate> {
        let mut pulsegate = Pulsegate::prepare(role, &self.environment(variables))?;
        pulsegate.launch()?;
        Ok(pulsegate)
    }

    /// Runs a command of the product that ends by itself, such as `["rebuild", "--dry-run"]`.
    ///
    /// # Errors
    /// It can't be executed.
    pub async fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Output> {
        pulsegate::run(arguments, &self.environment(variables)).await
    }

    fn environment<'a>(&self, variables: &[(&'a str, &str)]) -> Vec<(&'a str, String)> {
        let mut environment = vec![
            ("DATABASE_URL", self.database.url().to_owned()),
            ("REDIS_URL", self.redis_url.clone()),
            ("KAFKA_BROKERS", self.brokers.clone()),
            ("KAFKA_GROUP_ID", self.name.clone()),
            // The shortest that brokers allow by default: a killed member's partitions are waited for so long.
            ("KAFKA_SESSION_TIMEOUT_MS", "6000".to_owned()),
        ];
        environment.extend(self.topics.variables());
        environment.extend(variables.iter().map(|(variable, value)| (*variable, (*value).to_owned())));
        environment
    }
}
