//! What is counted, for `/metrics`.

use std::time::{Duration, Instant};

use crate::execution::Answer;

/// Counts as one of `gauge` for as long as it lives.
pub(crate) struct Held(&'static str);

impl Held {
    pub(crate) fn new(gauge: &'static str) -> Self {
        metrics::gauge!(gauge).increment(1);
        Self(gauge)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        metrics::gauge!(self.0).decrement(1);
    }
}

/// Counts an operation that was answered: how long it took, and how it came out (`ok` or the code of its first error).
pub(crate) fn answered(since: Instant, answer: &Answer) {
    let outcome = answer.code().map_or("ok", |code| code.as_str());
    metrics::counter!("pulsegate_graphql_operations_total", "outcome" => outcome).increment(1);
    let took: Duration = since.elapsed();
    metrics::histogram!("pulsegate_graphql_operation_seconds").record(took);
}
