use std::sync::Arc;

use consumer::Monitor;
use rand::{RngCore as _, SeedableRng as _, rngs::SmallRng};
use tokio_util::sync::CancellationToken;

use super::{
    base::{BrokerAt, DatabaseAt},
    crew::{Consuming, Crew},
    http,
};
use crate::{
    config::{Consume, variable::CONSUMER_HTTP_ADDR},
    failure::Failure,
    probes,
    readiness::{Kafka, Parts},
    telemetry,
};

/// The Kafka consumer, and the refresh of channels.
pub(super) async fn consume(config: Consume, migrate: bool, stop: &CancellationToken) -> Result<(), Failure> {
    let listener = http::listen(config.address, &CONSUMER_HTTP_ADDR).await?;
    let address = listener.local_addr()?;
    let counts = telemetry::count(stop.clone())?;
    let mut database = DatabaseAt::start(&config.database).await?;
    let service = database.service(config.redis_url, true)?;
    service.use_channel_apis(&config.channels.settings, SmallRng::from_os_rng().next_u64())?;
    let broker = Arc::new(BrokerAt::start(&config.kafka).await?);

    service.start_writer(stop.clone());
    let mut crew = Crew::new(stop);
    let monitor = Monitor::default();
    let readiness = Arc::new(Parts {
        service: Arc::clone(&service),
        migrations: migration::names(),
        kafka: Some(Kafka { monitor: monitor.clone(), address: broker.embedded_address(), required: true }),
        stop: stop.clone(),
    });
    let probes = probes::router(readiness, counts.of(&service));
    crew.hire(http::answer(listener, move |_| probes.clone(), config.http, None, stop.clone()));
    tracing::info!(%address, "the consumer answers at /healthz, /readyz and /metrics");
    let migrate = migrate || database.is_embedded();
    let (kafka, upkeep) = (config.kafka, config.upkeep);
    Consuming { service, kafka, monitor, upkeep, migrate, demo: false }.join(&mut crew, &database, &broker);

    let outcome = crew.work(&mut database).await;
    database.stop().await?;
    // Last, because its clients complain when it goes before them.
    if let Some(broker) = Arc::into_inner(broker) {
        broker.stop().await?;
    }
    outcome
}
