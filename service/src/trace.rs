//! Parts of traces, for whoever collects them.
//!
//! Spans of [`TARGET`] go to the collector only. Where there is none, nobody is interested in them, and making one costs
//! no more than a look at a flag.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The target of all spans that are parts of traces.
pub const TARGET: &str = "pulsegate::trace";

/// Makes `span` a part of the trace that a W3C `traceparent` names. What is none changes nothing.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent.filter(|_| !span.is_disabled()) else { return };
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    // It fails only for a span that was entered before.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}
