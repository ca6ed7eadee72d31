//! Where reading a partition begins.

use std::{collections::HashMap, sync::Arc, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use service::{
    ErrorKind,
    ingest::{Place, Position},
};

use super::{context::Context, patience::Patience};
use crate::store::{Failure, Partition, Store};

const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    /// The first offset that Kafka still has.
    earliest: i64,
    /// The offset that the next message will get.
    end: i64,
    /// What Kafka remembers of the group.
    committed: Option<i64>,
    /// What the database says, which counts.
    stored: Option<i64>,
}

/// Where to begin, and why there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// At the stored position, or before it where Kafka's lags behind: what lies between was applied, but perhaps not
    /// published.
    At(i64),
    /// Nothing was applied yet.
    Anew(i64),
    /// The stored position lies before what Kafka still has.
    Cut(i64),
    /// The stored position lies beyond the topic's end.
    Recreated(i64),
}

impl Begin {
    fn decide(known: Known) -> Self {
        match known.stored {
            None => Self::Anew(known.earliest),
            Some(stored) if stored > known.end => Self::Recreated(known.earliest),
            Some(stored) if stored < known.earliest => Self::Cut(known.earliest),
            Some(stored) => {
                Self::At(known.committed.map_or(stored, |committed| committed.clamp(known.earliest, stored)))
            }
        }
    }

    const fn offset(self) -> i64 {
        match self {
            Self::At(offset) | Self::Anew(offset) | Self::Cut(offset) | Self::Recreated(offset) => offset,
        }
    }
}

/// Where to begin with one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) partition: Partition,
    pub(super) offset: i64,
    /// What is stored when reading begins.
    pub(super) place: Place,
    /// Whether Kafka knows of no position of the group yet.
    pub(super) unmarked: bool,
}

/// Where to begin with newly assigned partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Starts {
    pub(super) cluster_id: Arc<str>,
    pub(super) starts: Vec<Start>,
}

/// Looks until it is known; `None` where the consumer is stopped before that, an error where waiting can't help.
pub(super) async fn look_up<S: Store>(
    consumer: Arc<BaseConsumer<Context>>,
    store: &S,
    partitions: Vec<Partition>,
    mut patience: Patience,
) -> Result<Option<Starts>, Failure> {
    loop {
        let trouble = match attempt(&consumer, store, &partitions).await {
            Ok(starts) => {
                patience.worked();
                return Ok(Some(starts));
            }
            Err(failure) if failure.kind == ErrorKind::Transient => failure.text,
            Err(failure) => return Err(failure),
        };
        if !patience.wait(&trouble).await {
            return Ok(None);
        }
    }
}

async fn attempt<S: Store>(
    consumer: &Arc<BaseConsumer<Context>>,
    store: &S,
    partitions: &[Partition],
) -> Result<Starts, Failure> {
    let asked = {
        let consumer = Arc::clone(consumer);
        let partitions = partitions.to_vec();
        tokio::task::spawn_blocking(move || ask(&consumer, &partitions)).await
    };
    let (cluster_id, known) = asked
        .map_err(|fault| Failure { kind: ErrorKind::Transient, text: fault.to_string() })?
        .map_err(|fault| Failure { kind: ErrorKind::Transient, text: format!("Kafka: {fault}") })?;
    let stored = store.positions(&cluster_id, partitions).await?;
    let mut starts = Vec::with_capacity(partitions.len());
    let mut resets = Vec::new();
    for partition in partitions {
        let Some(known) = known.get(partition) else {
            return Err(Failure {
                kind: ErrorKind::Transient,
                text: "Kafka: an answer lacks a partition".to_owned(),
            });
        };
        let place = stored.get(partition).copied();
        let known = Known { stored: place.map(|place| place.next_offset), ..*known };
        let begin = Begin::decide(known);
        tell(partition, known, begin);
        if matches!(begin, Begin::Cut(_) | Begin::Recreated(_)) {
            resets.push(Position {
                topic: partition.0.clone(),
                partition: partition.1,
                next_offset: begin.offset(),
            });
        }
        starts.push(Start {
            partition: partition.clone(),
            offset: begin.offset(),
            place: place.unwrap_or_default(),
            unmarked: known.committed.is_none(),
        });
    }
    if !resets.is_empty() {
        let places = store.reset_positions(&cluster_id, &resets).await?;
        for start in &mut starts {
            start.place = places.get(&start.partition).copied().unwrap_or(start.place);
        }
    }
    Ok(Starts { cluster_id, starts })
}

/// Asks Kafka; blocks.
fn ask(
    consumer: &BaseConsumer<Context>,
    partitions: &[Partition],
) -> Result<(Arc<str>, HashMap<Partition, Known>), KafkaError> {
    let cluster_id: Arc<str> = consumer
        .client()
        .fetch_cluster_id(PATIENCE)
        .ok_or(KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut))?
        .into();
    let mut wanted = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        wanted.add_partition(topic, *partition);
    }
    // A list that outlives its consumer keeps it from being dropped, so nothing of it is kept.
    let committed = consumer.committed_offsets(wanted, PATIENCE)?;
    let mut known = HashMap::with_capacity(partitions.len());
    for key in partitions {
        let (topic, partition) = key;
        let committed = match committed.find_partition(topic, *partition) {
            Some(element) => {
                element.error()?;
                match element.offset() {
                    Offset::Offset(offset) => Some(offset),
                    _ => None,
                }
            }
            None => None,
        };
        let (earliest, end) = consumer.fetch_watermarks(topic, *partition, PATIENCE)?;
        known.insert(key.clone(), Known { earliest, end, committed, stored: None });
    }
    Ok((cluster_id, known))
}

fn tell((topic, partition): &Partition, known: Known, begin: Begin) {
    let topic = topic.as_ref();
    let Known { earliest, end, stored, .. } = known;
    match begin {
        Begin::At(offset) => tracing::debug!(topic, partition, offset, "reading on"),
        Begin::Anew(offset) if known.committed.is_none_or(|committed| committed <= earliest) => {
            tracing::debug!(topic, partition, offset, "reading for the first time");
        }
        Begin::Anew(offset) => tracing::warn!(
            topic,
            partition,
            offset,
            "no position is stored, though the group has one in Kafka: the database is new, or belongs to another \
             cluster; starting from the earliest message, and telling what was applied before by its id"
        ),
        Begin::Cut(offset) => tracing::warn!(
            topic,
            partition,
            offset,
            stored,
            earliest,
            "Kafka no longer has the messages after the stored position: starting from the earliest that is left"
        ),
        Begin::Recreated(offset) => tracing::warn!(
            topic,
            partition,
            offset,
            stored,
            end,
            "the stored position lies beyond the topic's end, so the topic was cut or made anew: starting from the \
             earliest message, and telling what was applied before by its id"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(stored: Option<i64>, committed: Option<i64>) -> Begin {
        Begin::decide(Known { earliest: 10, end: 100, committed, stored })
    }

    #[test]
    fn the_database_says_where_to_begin() {
        assert_eq!(decide(Some(50), None), Begin::At(50));
        assert_eq!(decide(Some(50), Some(50)), Begin::At(50));
        // Kafka's position may be ahead where the database was restored.
        assert_eq!(decide(Some(50), Some(90)), Begin::At(50));
        assert_eq!(decide(Some(100), Some(100)), Begin::At(100));
        assert_eq!(decide(Some(10), Some(10)), Begin::At(10));
    }

    #[test]
    fn what_may_not_have_been_published_is_read_again() {
        assert_eq!(decide(Some(50), Some(40)), Begin::At(40));
        assert_eq!(decide(Some(50), Some(3)), Begin::At(10));
    }

    #[test]
    fn without_a_stored_position_all_is_read() {
        assert_eq!(decide(None, None), Begin::Anew(10));
        assert_eq!(decide(None, Some(60)), Begin::Anew(10));
    }

    #[test]
    fn a_position_outside_of_the_topic_starts_over() {
        assert_eq!(decide(Some(9), Some(9)), Begin::Cut(10));
        assert_eq!(decide(Some(101), Some(101)), Begin::Recreated(10));
    }
}
