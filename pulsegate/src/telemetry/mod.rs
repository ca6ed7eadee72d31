//! What the process tells about itself: logs, metrics, traces.

mod metrics;
mod statements;
mod traces;

use std::io;

use tracing_subscriber::{EnvFilter, Layer as _, fmt, prelude::*};

pub(crate) use self::{metrics::count, traces::Traces};
use crate::config::Logging;

/// Logs to standard error from now on, and sends traces where they are asked for. The filter was checked when it was read.
/// What is returned sends what is left when the process ends.
pub(crate) fn begin(logging: &Logging) -> Traces {
    let traces = Traces::begin(logging.traces.as_ref());
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = if logging.json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed()
    };
    let registry = tracing_subscriber::registry()
        .with(statements::layer(traces.tracer()))
        .with(traces.layer())
        .with(lines.with_filter(EnvFilter::new(&logging.filter)).with_filter(traces::not_for_the_log()));
    // Fails only where a test has set a subscriber before.
    let _ = registry.try_init();
    traces.tell();
    traces
}
