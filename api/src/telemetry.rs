//! What is counted, for `/metrics`, and what is told to whoever collects traces.

use std::{
    collections::HashSet,
    sync::{LazyLock, OnceLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use async_graphql::parser::types::OperationType;
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tracing::Span;

use crate::execution::Answer;

const REQUESTS: &str = "pulsegate_http_requests_total";
const REQUEST_TIME: &str = "pulsegate_http_request_duration_seconds";
const OPERATIONS: &str = "pulsegate_graphql_operations_total";
const OPERATION_TIME: &str = "pulsegate_graphql_operation_duration_seconds";
const SUBSCRIPTIONS: &str = "pulsegate_graphql_subscriptions_total";
const WEBSOCKETS: &str = "pulsegate_websockets";
const EVENT_STREAMS: &str = "pulsegate_event_streams";
pub(crate) const LIVE_UPDATES: &str = "pulsegate_live_updates_total";
pub(crate) const LIVE_EXECUTIONS: &str = "pulsegate_live_executions_total";
pub(crate) const LIVE_LATENCY: &str = "pulsegate_live_update_latency_seconds";
pub(crate) const STALLED_CLIENTS: &str = "pulsegate_stalled_clients_total";

/// Clients choose the names of operations, so only so many are told apart.
const NAMES: usize = 100;
/// How an operation without errors came out.
const OK: &str = "ok";
/// All others.
const OTHER: &str = "other";
const UNNAMED: &str = "";

/// Names the metrics' meanings to the recorder; to be called once it is installed.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests by route, method and status");
    describe_histogram!(REQUEST_TIME, Unit::Seconds, "Time until the answer to a request begins, by route");
    describe_counter!(
        OPERATIONS,
        "Queries and mutations by name (the first 100 that succeeded, else other) and by outcome: ok, or the code of the \
         first error"
    );
    describe_histogram!(
        OPERATION_TIME,
        Unit::Seconds,
        "Time that executing a query or mutation took, by name"
    );
    describe_counter!(
        SUBSCRIPTIONS,
        "Operations begun over a WebSocket or as an event stream, by kind and name"
    );
    describe_gauge!(WEBSOCKETS, "WebSockets that are open");
    describe_gauge!(EVENT_STREAMS, "Event streams that are open");
    describe_counter!(LIVE_UPDATES, "Updates of subscriptions that were sent to clients");
    describe_counter!(
        LIVE_EXECUTIONS,
        "Updates of subscriptions that were executed, each for all who take the same step"
    );
    describe_histogram!(
        LIVE_LATENCY,
        Unit::Seconds,
        "Time from a commit to the frame that tells a subscriber of it; waiting for the subscriber's own interval is left out"
    );
    describe_counter!(
        STALLED_CLIENTS,
        "Connections that were cut off because their clients took nothing of what was sent for too long"
    );
    // What never happened is 0, not absent.
    counter!(STALLED_CLIENTS).increment(0);
}

/// Counts as one of `gauge` for as long as it lives.
pub(crate) struct Held(&'static str);

impl Held {
    pub(crate) fn new(gauge: &'static str) -> Self {
        gauge!(gauge).increment(1);
        Self(gauge)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1);
    }
}

/// Counts a connection that was cut off because its client took nothing of what was sent for too long. The router's own
/// WebSockets are counted already.
pub fn client_stalled() {
    counter!(STALLED_CLIENTS).increment(1);
}

/// Counts a request.
pub(crate) fn responded(took: Duration, route: &str, method: &'static str, status: u16) {
    counter!(REQUESTS, "route" => route.to_owned(), "method" => method, "status" => status.to_string())
        .increment(1);
    histogram!(REQUEST_TIME, "route" => route.to_owned()).record(took);
}

/// Counts a POST of GraphQL that needed no route.
pub(crate) fn responded_from_front(took: Duration, status: u16) {
    const ROUTE: &str = "/graphql";
    static ALMOST_ALL: LazyLock<(Counter, Histogram)> = LazyLock::new(|| {
        let requests = counter!(REQUESTS, "route" => ROUTE, "method" => "POST", "status" => "200");
        (requests, histogram!(REQUEST_TIME, "route" => ROUTE))
    });
    if status == 200 {
        let (requests, time) = &*ALMOST_ALL;
        requests.increment(1);
        time.record(took);
    } else {
        responded(took, ROUTE, "POST", status);
    }
}

/// Whether anybody collects traces of requests.
pub(crate) fn is_traced() -> bool {
    tracing::span_enabled!(target: service::trace::TARGET, tracing::Level::INFO)
}

/// The part of a trace that is one operation.
pub(crate) fn operation(kind: OperationType, name: Option<&str>) -> Span {
    let kind = kind_name(kind);
    tracing::info_span!(
        target: service::trace::TARGET,
        "graphql",
        otel.name = format_args!("{kind} {}", name.unwrap_or_default()),
        graphql.operation.type = kind,
        graphql.operation.name = name,
        graphql.outcome = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    )
}

const fn kind_name(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// What counts the answers to an operation without errors. It is found once: that takes longer than to count.
#[derive(Default)]
pub(crate) struct Answers(OnceLock<(Counter, Histogram)>);

impl Answers {
    /// Counts an operation that was executed: how long it took, and how it came out (`ok` or the code of its first error).
    pub(crate) fn executed(&self, name: Option<&str>, since: Instant, answer: &Answer, span: &Span) {
        let Some(code) = answer.code() else {
            span.record("graphql.outcome", OK);
            let (count, time) = self.0.get_or_init(|| {
                let name = bounded(name, true);
                let count = counter!(OPERATIONS, "operation" => name.clone(), "outcome" => OK);
                (count, histogram!(OPERATION_TIME, "operation" => name))
            });
            count.increment(1);
            time.record(since.elapsed());
            return;
        };
        span.record("graphql.outcome", code.as_str());
        span.record("otel.status_code", "error");
        let name = bounded(name, false);
        counter!(OPERATIONS, "operation" => name.clone(), "outcome" => code.as_str()).increment(1);
        histogram!(OPERATION_TIME, "operation" => name).record(since.elapsed());
    }

    /// Counts those that were kept: nothing is executed. Of an operation that was executed without errors.
    pub(crate) fn recalls(&self) -> Counter {
        self.0.get().map_or_else(Counter::noop, |(count, _)| count.clone())
    }
}

/// Counts an operation that begins to be followed.
pub(crate) fn subscribed(kind: OperationType, name: Option<&str>) {
    counter!(SUBSCRIPTIONS, "kind" => kind_name(kind), "operation" => bounded(name, true)).increment(1);
}

/// The name, or that of all others. What failed makes no name known: it could be anybody's.
fn bounded(name: Option<&str>, succeeded: bool) -> String {
    static KNOWN: LazyLock<RwLock<HashSet<String>>> = LazyLock::new(RwLock::default);
    let Some(name) = name else { return UNNAMED.to_owned() };
    if KNOWN.read().unwrap_or_else(PoisonError::into_inner).contains(name) {
        return name.to_owned();
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if succeeded && known.len() < NAMES && known.insert(name.to_owned()) {
        return name.to_owned();
    }
    if known.contains(name) { name.to_owned() } else { OTHER.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_operations_are_bounded() {
        assert_eq!(bounded(None, true), "");
        assert_eq!(bounded(Some("Junk"), false), "other");
        for number in 0..NAMES {
            assert_eq!(bounded(Some(&format!("Name{number}")), true), format!("Name{number}"));
        }
        assert_eq!(bounded(Some("OneMore"), true), "other");
        assert_eq!(bounded(Some("Name7"), false), "Name7");
    }
}
