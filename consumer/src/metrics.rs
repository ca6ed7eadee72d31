//! What the consumer counts. Topics and partitions are those assigned, so the number of series is bounded.

use std::time::Duration;

use metrics::{Counter, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use service::ingest::Applied;

use crate::message::Code;

const TAKEN: &str = "pulsegate_consumer_taken_total";
const OUTCOMES: &str = "pulsegate_consumer_messages_total";
const DEAD_LETTERS: &str = "pulsegate_consumer_dead_letters_total";
const BATCH: &str = "pulsegate_consumer_batch_messages";
const COMMIT: &str = "pulsegate_consumer_commit_seconds";
const LAG: &str = "pulsegate_consumer_lag_messages";
const ASSIGNED: &str = "pulsegate_consumer_assigned_partitions";
const RETRIES: &str = "pulsegate_consumer_retries_total";
const REJOINS: &str = "pulsegate_consumer_rejoins_total";

/// Names the metrics' meanings to the recorder; to be called once it is installed.
pub fn describe() {
    describe_counter!(TAKEN, "Messages taken from Kafka, by topic");
    describe_counter!(
        OUTCOMES,
        "Messages by what became of them: applied, duplicate, replayed or dead_lettered"
    );
    describe_counter!(DEAD_LETTERS, "Messages sent to the dead-letter topic, by topic and error code");
    describe_histogram!(BATCH, "Messages of a transaction");
    describe_histogram!(
        COMMIT,
        metrics::Unit::Seconds,
        "Time that a transaction took, from its begin to its commit"
    );
    describe_gauge!(LAG, "Messages in Kafka that are not yet applied, by topic and partition");
    describe_gauge!(ASSIGNED, "Partitions that this consumer reads");
    describe_counter!(RETRIES, "Tries that had to be repeated, by what was tried");
    describe_counter!(REJOINS, "Times that the consumer was made anew");
    // What never happened is 0, not absent.
    for outcome in ["applied", "duplicate", "replayed", "dead_lettered"] {
        counter!(OUTCOMES, "outcome" => outcome).increment(0);
    }
    for what in ["apply", "dead letter", "positions"] {
        counter!(RETRIES, "what" => what).increment(0);
    }
    counter!(REJOINS).increment(0);
}

/// Counts the messages that are taken from a topic. Looked up once for each partition.
pub(crate) fn taken(topic: &str) -> Counter {
    counter!(TAKEN, "topic" => topic.to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "a batch is far below 2^52 messages")]
pub(crate) fn applied(applied: &Applied, messages: usize, took: Duration) {
    for (outcome, count) in
        [("applied", applied.fresh), ("duplicate", applied.duplicates), ("replayed", applied.replayed)]
    {
        counter!(OUTCOMES, "outcome" => outcome).increment(count as u64);
    }
    histogram!(BATCH).record(messages as f64);
    histogram!(COMMIT).record(took.as_secs_f64());
}

pub(crate) fn dead_lettered(topic: &str, code: Code) {
    counter!(OUTCOMES, "outcome" => "dead_lettered").increment(1);
    counter!(DEAD_LETTERS, "topic" => topic.to_owned(), "code" => code.as_str()).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a lag beyond 2^52 messages may be off by one")]
pub(crate) fn lag(topic: &str, partition: i32, messages: i64) {
    gauge!(LAG, "topic" => topic.to_owned(), "partition" => partition.to_string()).set(messages as f64);
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 partitions")]
pub(crate) fn assigned(partitions: usize) {
    gauge!(ASSIGNED).set(partitions as f64);
}

pub(crate) fn retried(what: &'static str) {
    counter!(RETRIES, "what" => what).increment(1);
}

pub(crate) fn rejoined() {
    counter!(REJOINS).increment(1);
}
