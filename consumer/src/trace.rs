//! A message's trace goes on where the message says to which it belongs (`traceparent`, of W3C Trace Context).

use service::trace::{TARGET, follow};
use tracing::{Level, Span};

use crate::message::Headers as _;
use crate::record::{Lookup, Record};

/// Messages of a transaction whose traces go on. A transaction of thousands tells of these.
const MOST: usize = 100;

/// The parts of traces that a transaction is: one for each message that belongs to a trace. They end when this is dropped.
pub(crate) struct Traced {
    /// What the transaction's statements are parts of.
    pub(crate) work: Span,
    _others: Vec<Span>,
}

/// Begins them. Where traces are not collected, nothing is looked at.
pub(crate) fn begin<'a>(records: impl IntoIterator<Item = &'a Record>) -> Traced {
    if !tracing::span_enabled!(target: TARGET, Level::INFO) {
        return Traced { work: Span::none(), _others: Vec::new() };
    }
    let mut spans = records.into_iter().filter_map(|record| {
        let headers = Lookup(&record.headers);
        let parent = std::str::from_utf8(headers.last("traceparent")?).ok()?;
        let span = tracing::info_span!(
            target: TARGET,
            "process",
            otel.name = format_args!("process {}", record.topic),
            otel.kind = "consumer",
            messaging.system = "kafka",
            messaging.destination.name = record.topic.as_ref(),
            messaging.destination.partition.id = record.partition,
            messaging.kafka.offset = record.offset,
        );
        follow(&span, Some(parent));
        Some(span)
    });
    let work = spans.next().unwrap_or_else(Span::none);
    Traced { work, _others: spans.take(MOST - 1).collect() }
}
