use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use metrics::{Unit, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use service::Service;
use tokio_util::sync::CancellationToken;

/// How often histograms are condensed and gauges are read, so that nobody has to ask for them.
const UPKEEP: Duration = Duration::from_secs(5);
/// From a hit in memory to what is given up.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const MESSAGES: &[f64] = &[1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_000.0];

const CONNECTIONS: &str = "pulsegate_database_connections";
const MOST_CONNECTIONS: &str = "pulsegate_database_connections_max";
pub(super) const STATEMENT_TIME: &str = "pulsegate_database_statement_duration_seconds";
const TASKS: &str = "pulsegate_tasks";
const BUILD: &str = "pulsegate_build_info";

/// Counts from now on. What is returned renders the counts for Prometheus, and reads those of the service.
pub(crate) fn count(stop: CancellationToken) -> Result<Counts, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_messages".to_owned()), MESSAGES)?
        .install_recorder()?;
    api::describe_metrics();
    consumer::describe_metrics();
    service::describe_metrics();
    service::channel_api::describe_metrics();
    describe_gauge!(CONNECTIONS, "Connections to PostgreSQL, by state: used or idle");
    describe_gauge!(MOST_CONNECTIONS, "Connections to PostgreSQL that there may be");
    describe_histogram!(
        STATEMENT_TIME,
        Unit::Seconds,
        "Time that a statement took in PostgreSQL, by its verb"
    );
    describe_gauge!(TASKS, "Tasks of the process that are under way or waiting");
    describe_gauge!(BUILD, "1, with the version");
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let kept = handle.clone();
    tokio::spawn(async move {
        while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
            kept.run_upkeep();
        }
    });
    Ok(Counts(handle))
}

/// What is counted.
pub(crate) struct Counts(PrometheusHandle);

impl Counts {
    /// Renders all, with what the service can tell of itself at that moment.
    pub(crate) fn of(self, service: &Arc<Service>) -> api::RenderMetrics {
        let service = Arc::downgrade(service);
        let runtime = tokio::runtime::Handle::current().metrics();
        Arc::new(move || {
            read(&service);
            gauge!(TASKS).set(f64::from(u32::try_from(runtime.num_alive_tasks()).unwrap_or(u32::MAX)));
            self.0.render()
        })
    }
}

fn read(service: &Weak<Service>) {
    let Some(service) = service.upgrade() else { return };
    let connections = service.connections();
    gauge!(CONNECTIONS, "state" => "used").set(connections.used);
    gauge!(CONNECTIONS, "state" => "idle").set(connections.idle);
    gauge!(MOST_CONNECTIONS).set(connections.most);
}
