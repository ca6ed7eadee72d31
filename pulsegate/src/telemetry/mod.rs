//! What the process tells about itself: logs, metrics, traces.

mod metrics;
mod statements;
mod traces;

use std::io;

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, Layer as _, filter::FilterExt as _, fmt, prelude::*};

pub(crate) use self::{metrics::count, traces::Traces};
use crate::config::Logging;

/// Logs to standard error from now on, and sends traces where they are asked for. The filter was checked when it was read.
/// What is returned sends what is left when the process ends.
pub(crate) fn begin(logging: &Logging) -> Traces {
    let traces = Traces::begin(logging.traces.as_ref());
    let subscriber = subscriber(logging, &traces);
    // Fails only where a test has set a subscriber before.
    let _ = subscriber.try_init();
    traces.tell();
    traces
}

/// Says how much it wants to hear at most: what is said through the `log` crate beyond that is then left unsaid, where each
/// word would cost a look through all filters. A WebSocket's library says a dozen about every frame.
fn subscriber(logging: &Logging, traces: &Traces) -> impl Subscriber + Send + Sync + use<> {
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = if logging.json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed()
    };
    tracing_subscriber::registry()
        .with(statements::layer(traces.tracer()))
        .with(traces.layer())
        .with(lines.with_filter(EnvFilter::new(&logging.filter).and(traces::not_for_the_log())))
}

#[cfg(test)]
mod tests {
    use tracing::level_filters::LevelFilter;

    use super::*;

    #[test]
    fn nobody_is_asked_about_what_nobody_wants_to_hear() {
        for (filter, most) in [
            // The driver tells of statements at this level.
            ("info", LevelFilter::DEBUG),
            ("warn,consumer=debug", LevelFilter::DEBUG),
            ("info,tungstenite=trace", LevelFilter::TRACE),
        ] {
            let logging = Logging { filter: filter.to_owned(), json: false, traces: None };
            let traces = Traces::begin(None);
            assert_eq!(subscriber(&logging, &traces).max_level_hint(), Some(most), "{filter}");
        }
    }
}
