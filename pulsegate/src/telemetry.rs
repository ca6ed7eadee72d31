//! What the process tells about itself.

use std::{io, sync::Arc, time::Duration};

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::config::Logging;

/// How often histograms are condensed, so that nobody has to ask for them.
const UPKEEP: Duration = Duration::from_secs(5);

/// Logs to standard error from now on. The filter was checked when it was read.
pub(crate) fn log(logging: &Logging) {
    let filter = EnvFilter::new(&logging.filter);
    let lines = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    // Fails only where a test has set a subscriber before.
    let _ = if logging.json {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr()))).try_init()
    };
}

/// Counts from now on; what is returned renders the counts for Prometheus.
pub(crate) fn count(stop: CancellationToken) -> Result<api::RenderMetrics, BuildError> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    consumer::describe_metrics();
    let kept = handle.clone();
    tokio::spawn(async move {
        while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
            kept.run_upkeep();
        }
    });
    Ok(Arc::new(move || handle.render()))
}
