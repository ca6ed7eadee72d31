//! Where a partition begins and ends.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use rdkafka::{
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, KafkaResult},
    types::RDKafkaErrorCode,
};

const PAUSE: Duration = Duration::from_millis(200);

/// The first offset that is there and the first that is not. Blocks, for `patience` at most while the partition has no
/// leader: right after its topic was made, and while brokers change places.
pub(crate) fn watermarks(
    consumer: &BaseConsumer,
    topic: &str,
    partition: i32,
    patience: Duration,
) -> KafkaResult<(i64, i64)> {
    let until = Instant::now() + patience;
    loop {
        match consumer.fetch_watermarks(topic, partition, patience) {
            Err(fault) if leaderless(&fault) && Instant::now() < until => {
                sleep(PAUSE);
                // Who leads now is learnt by asking.
                consumer.fetch_metadata(Some(topic), patience)?;
            }
            outcome => return outcome,
        }
    }
}

fn leaderless(fault: &KafkaError) -> bool {
    matches!(
        fault.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownPartition
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_leader_is_waited_for() {
        assert!(leaderless(&KafkaError::MetadataFetch(RDKafkaErrorCode::NotLeaderForPartition)));
        assert!(!leaderless(&KafkaError::MetadataFetch(RDKafkaErrorCode::AllBrokersDown)));
        assert!(!leaderless(&KafkaError::Canceled));
    }
}
