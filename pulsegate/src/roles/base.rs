use std::{path::Path, sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use service::{Service, Settings, clock::SystemClock, ingest::Position};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Broker, Database, Kafka},
    embedded::{
        kafka::{EmbeddedKafka, PARTITIONS},
        postgres::{EmbeddedPostgres, Places},
    },
    failure::Failure,
    migrations,
};

const POOL_SIZE: u32 = 16;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_secs(1);

/// A database that is there: a configured one, or an embedded one that was started.
pub(super) struct DatabaseAt {
    pub(super) url: String,
    read_url: Option<SecretString>,
    embedded: Option<EmbeddedPostgres>,
}

impl DatabaseAt {
    pub(super) async fn start(database: &Database) -> Result<Self, Failure> {
        match database {
            Database::At(url) => {
                Ok(Self { url: url.expose_secret().to_owned(), read_url: None, embedded: None })
            }
            Database::Embedded { data_dir, programs } => {
                let (data_dir, places) = (data_dir.clone(), Places::here(programs.clone()));
                let start = move || EmbeddedPostgres::start(Path::new(&data_dir), &places);
                let postgres = tokio::task::spawn_blocking(start).await??;
                Ok(Self { url: postgres.url().to_owned(), read_url: None, embedded: Some(postgres) })
            }
        }
    }

    /// For what has no use for one. Nothing is connected to before it is asked.
    pub(super) fn nowhere() -> Self {
        Self { url: "postgres://127.0.0.1:1/nowhere".to_owned(), read_url: None, embedded: None }
    }

    /// With a replica that reads may go to.
    pub(super) fn reading_from(self, read_url: Option<SecretString>) -> Self {
        Self { read_url, ..self }
    }

    pub(super) const fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Returns when an embedded one ends by itself.
    pub(super) async fn watch(&mut self) -> Failure {
        loop {
            tokio::time::sleep(GLANCE).await;
            if let Some(status) = self.embedded.as_mut().and_then(EmbeddedPostgres::ended) {
                return Failure::DatabaseEnded(status);
            }
        }
    }

    pub(super) async fn stop(self) -> Result<(), Failure> {
        if let Some(postgres) = self.embedded {
            tokio::task::spawn_blocking(|| postgres.stop()).await?;
        }
        Ok(())
    }

    /// The service on it. Connects to nothing yet.
    pub(super) fn service(
        &self,
        redis_url: Option<SecretString>,
        cache: bool,
    ) -> Result<Arc<Service>, Failure> {
        let settings = Settings {
            database_url: self.url.clone(),
            database_read_url: self.read_url.as_ref().map(|url| url.expose_secret().to_owned()),
            redis_url: redis_url.map(|url| url.expose_secret().to_owned()),
            cache,
            pool_size: POOL_SIZE,
            acquire_timeout: ACQUIRE_TIMEOUT,
            statement_timeout: STATEMENT_TIMEOUT,
        };
        Ok(Service::new(&settings, Arc::new(SystemClock))?)
    }
}

/// A broker that is there: a configured one, or an embedded one that was started.
pub(super) struct BrokerAt {
    pub(super) address: String,
    pub(super) embedded: Option<EmbeddedKafka>,
}

impl BrokerAt {
    pub(super) async fn start(kafka: &Kafka) -> Result<Self, Failure> {
        Ok(match &kafka.broker {
            Broker::At(address) => Self { address: address.clone(), embedded: None },
            Broker::Embedded => {
                let embedded = EmbeddedKafka::start(&kafka.topics).await?;
                tracing::info!(address = embedded.address, "the embedded broker runs");
                Self { address: embedded.address.clone(), embedded: Some(embedded) }
            }
        })
    }

    /// The address of an embedded one.
    pub(super) fn embedded_address(&self) -> Option<String> {
        self.embedded.as_ref().map(|_| self.address.clone())
    }

    pub(super) async fn stop(self) -> Result<(), Failure> {
        // Waits for its thread.
        Ok(tokio::task::spawn_blocking(|| drop(self.embedded)).await?)
    }
}

/// Returns when the database has this version's schema, or `stop` is cancelled. With `migrate` it sees to that itself.
pub(super) async fn await_schema(service: &Service, url: &str, migrate: bool, stop: &CancellationToken) {
    let expected = migration::names();
    let mut said = String::new();
    loop {
        let what = match service.pending_migrations(&expected).await {
            Ok(pending) if pending.is_empty() => return,
            Ok(_) if migrate => match migrations::up(url).await {
                Ok(_) => {
                    tracing::info!("the database has this version's schema");
                    continue;
                }
                Err(fault) => fault.to_string(),
            },
            Ok(pending) => format!("it lacks {} migrations: run `pulsegate migrate up`", pending.len()),
            Err(fault) => fault.to_string(),
        };
        if said != what {
            tracing::warn!("waiting for the database: {what}");
            said = what;
        }
        if stop.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
            return;
        }
    }
}

/// Notes that an embedded broker begins with nothing. Its cluster id comes from where it lies in memory, which may have
/// been that of an earlier run, whose positions would then be taken for this one's.
pub(super) async fn begin_anew(
    service: &Service,
    broker: &EmbeddedKafka,
    kafka: &Kafka,
    stop: &CancellationToken,
) {
    let topics = [
        &kafka.topics.event_created,
        &kafka.topics.participant_registered,
        &kafka.topics.distribution_completed,
    ];
    let start: Vec<Position> = topics
        .into_iter()
        .flat_map(|topic| {
            let topic: Arc<str> = topic.as_str().into();
            (0..PARTITIONS).map(move |partition| Position {
                topic: Arc::clone(&topic),
                partition,
                next_offset: 0,
            })
        })
        .collect();
    while let Err(fault) = service.reset_positions(&broker.cluster_id, &start).await {
        tracing::warn!("waiting for the database: {fault}");
        if stop.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
            return;
        }
    }
}
