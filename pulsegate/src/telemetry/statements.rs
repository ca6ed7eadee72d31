//! The time that statements take in PostgreSQL. The driver tells of each when it is through; of that a measurement is
//! made, and where traces are collected, a part of one.

use std::{fmt::Debug, time::Duration};

use metrics::histogram;
use opentelemetry::{
    Context as Trace, KeyValue,
    trace::{Span as _, SpanBuilder, SpanKind, TraceContextExt as _, Tracer as _},
};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, filter::Targets, layer::Context, registry::LookupSpan};

use super::metrics::STATEMENT_TIME;

/// Where the driver tells of them.
const DRIVER: &str = "sqlx::query";

pub(super) fn layer<S>(tracer: Option<SdkTracer>) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Statements { tracer }.with_filter(Targets::new().with_target(DRIVER, Level::DEBUG))
}

struct Statements {
    tracer: Option<SdkTracer>,
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut statement = Statement::default();
        event.record(&mut statement);
        let Some(took) = statement.took else { return };
        let verb = verb(&statement.summary);
        histogram!(STATEMENT_TIME, "verb" => verb).record(took);
        // Statements of nobody's request would be traces of one part each.
        let trace = Trace::current();
        if let Some(tracer) = self.tracer.as_ref().filter(|_| trace.has_active_span()) {
            let end = opentelemetry::time::now();
            let begin = end.checked_sub(took).unwrap_or(end);
            let span = SpanBuilder::from_name(verb)
                .with_kind(SpanKind::Client)
                .with_start_time(begin)
                .with_attributes([
                    KeyValue::new("db.system.name", "postgresql"),
                    KeyValue::new("db.operation.name", verb),
                    // With placeholders for all values.
                    KeyValue::new("db.query.text", statement.text),
                ]);
            tracer.build_with_context(span, &trace).end_with_timestamp(end);
        }
    }
}

/// What the driver tells of one.
#[derive(Default)]
struct Statement {
    summary: String,
    text: String,
    took: Option<Duration>,
}

impl Visit for Statement {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.took = Duration::try_from_secs_f64(value).ok();
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            // Left empty for a statement that its summary says whole.
            "db.statement" => {
                self.text = if value.is_empty() { self.summary.clone() } else { value.trim().to_owned() }
            }
            _ => {}
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}
}

/// Few enough to be labels.
fn verb(statement: &str) -> &'static str {
    const VERBS: [&str; 9] =
        ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "ROLLBACK", "SET"];
    let first = statement.split_whitespace().next().unwrap_or_default();
    VERBS.into_iter().find(|verb| verb.eq_ignore_ascii_case(first)).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_apart_by_few_verbs() {
        for (statement, expected) in
            [("select 1", "SELECT"), ("\n  WITH a AS", "WITH"), ("", "other"), ("VACUUM", "other")]
        {
            assert_eq!(verb(statement), expected);
        }
    }
}
