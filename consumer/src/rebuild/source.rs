//! The three topics, read without a group.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    metadata::MetadataTopic,
    types::RDKafkaErrorCode,
};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    Error, Settings, client, message::Kind, record::Record, store::Partition, watermarks::watermarks,
};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long there may be nothing to read though there should be.
const SILENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);
/// Records that are read ahead.
const AHEAD: usize = 10_000;

/// A run of offsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) partition: Partition,
    pub(super) from: i64,
    /// The first offset that is not read. The one before it is that of a message which was applied.
    pub(super) to: i64,
}

impl Range {
    pub(super) fn len(&self) -> u64 {
        (self.to - self.from).unsigned_abs()
    }
}

/// The three topics.
pub(super) struct Source {
    settings: Settings,
    cluster_id: Arc<str>,
    kinds: HashMap<Arc<str>, Kind>,
    beginnings: HashMap<Partition, i64>,
    compacted: Vec<String>,
}

impl Source {
    pub(super) async fn open(settings: Settings) -> Result<Self, Error> {
        let compacted = compacted(&settings).await;
        let opened = tokio::task::spawn_blocking(move || -> Result<Self, Error> {
            let consumer = reader(&settings)?;
            let cluster_id = consumer
                .client()
                .fetch_cluster_id(PATIENCE)
                .ok_or(KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut))?
                .into();
            let kinds = HashMap::from(settings.topics.sources());
            let mut beginnings = HashMap::new();
            for topic in kinds.keys() {
                let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
                for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
                    let (earliest, _) = watermarks(&consumer, topic, partition.id(), PATIENCE)?;
                    beginnings.insert((topic.clone(), partition.id()), earliest);
                }
            }
            Ok(Self { settings, cluster_id, kinds, beginnings, compacted })
        });
        opened.await.map_err(|_| Error::Lost("reader"))?
    }

    pub(super) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    pub(super) fn topics(&self) -> Vec<Arc<str>> {
        self.kinds.keys().cloned().collect()
    }

    pub(super) fn kind(&self, topic: &str) -> Option<Kind> {
        self.kinds.get(topic).copied()
    }

    /// The first offset that Kafka has of each partition.
    pub(super) const fn beginnings(&self) -> &HashMap<Partition, i64> {
        &self.beginnings
    }

    pub(super) fn partitions(&self) -> Vec<Partition> {
        self.beginnings.keys().cloned().collect()
    }

    /// Why what Kafka has is not all that it was given; `None` where it is.
    pub(super) fn why_incomplete(&self) -> Option<String> {
        if let Some(topic) = self.compacted.first() {
            return Some(format!("Kafka compacts the topic {topic}"));
        }
        let cut = self.beginnings.iter().filter(|(_, earliest)| **earliest > 0);
        let ((topic, partition), earliest) = cut.min()?;
        Some(format!(
            "Kafka no longer has the beginning of its topics (partition {partition} of {topic} begins at offset {earliest})"
        ))
    }

    /// Reads these ranges, on a thread of its own.
    pub(super) fn read(&self, ranges: Vec<Range>) -> Result<Records, Error> {
        let consumer = reader(&self.settings)?;
        let (sender, records) = mpsc::channel(AHEAD);
        let reading = tokio::task::spawn_blocking(move || read(&consumer, &ranges, &sender));
        Ok(Records { records, reading })
    }
}

/// Records on their way.
pub(super) struct Records {
    records: mpsc::Receiver<Record>,
    reading: JoinHandle<Result<(), KafkaError>>,
}

impl Records {
    /// `None` at the end, or where it went wrong.
    pub(super) async fn next(&mut self) -> Option<Record> {
        self.records.recv().await
    }

    /// Whether it went well.
    pub(super) async fn finish(self) -> Result<(), Error> {
        Ok(self.reading.await.map_err(|_| Error::Lost("reader"))??)
    }
}

fn reader(settings: &Settings) -> Result<BaseConsumer, KafkaError> {
    let mut config = client::consumer(settings);
    // It reads what it is told to and joins no group; the client library just wants a name.
    config.set("group.id", format!("{}-rebuild", settings.group_id));
    config.create()
}

/// Ends early, without an error, where nobody takes the records any more.
fn read(consumer: &BaseConsumer, ranges: &[Range], records: &mpsc::Sender<Record>) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::with_capacity(ranges.len());
    let mut left: HashMap<Partition, i64> = HashMap::with_capacity(ranges.len());
    for Range { partition, from, to } in ranges {
        list.add_partition_offset(&partition.0, partition.1, Offset::Offset(*from))?;
        left.insert(partition.clone(), *to);
    }
    let topics: Vec<Arc<str>> = ranges.iter().map(|range| range.partition.0.clone()).collect();
    consumer.assign(&list)?;
    let mut heard = Instant::now();
    while !left.is_empty() {
        let message = match consumer.poll(POLL) {
            Some(Ok(message)) => message,
            Some(Err(fault)) if !passes(&fault) => return Err(fault),
            _ if heard.elapsed() > SILENCE || records.is_closed() => {
                return if records.is_closed() { Ok(()) } else { Err(KafkaError::NoMessageReceived) };
            }
            _ => continue,
        };
        heard = Instant::now();
        let Some(topic) = topics.iter().find(|topic| &***topic == message.topic()) else { continue };
        let partition = (topic.clone(), message.partition());
        let (Some(to), offset) = (left.get(&partition).copied(), message.offset()) else { continue };
        if offset < to && records.blocking_send(Record::copy(topic.clone(), &message)).is_err() {
            return Ok(());
        }
        if offset + 1 >= to {
            let mut done = TopicPartitionList::with_capacity(1);
            done.add_partition(&partition.0, partition.1);
            consumer.pause(&done)?;
            left.remove(&partition);
        }
    }
    Ok(())
}

/// What the client library gets over by itself.
fn passes(fault: &KafkaError) -> bool {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, OperationTimedOut, Resolve};
    fault.rdkafka_error_code().is_some_and(|code| {
        [AllBrokersDown, BrokerTransportFailure, OperationTimedOut, Resolve].contains(&code)
    })
}

/// The topics of which Kafka keeps only the last message of each key. Not every cluster answers the question, and not
/// everybody may ask it.
async fn compacted(settings: &Settings) -> Vec<String> {
    let names = settings.topics.sources().map(|(topic, _)| topic);
    let asked = async {
        let admin: AdminClient<DefaultClientContext> = client::admin(settings).create()?;
        let resources: Vec<_> = names.iter().map(|topic| ResourceSpecifier::Topic(topic)).collect();
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        let answer = admin.describe_configs(&resources, &options).await;
        // Dropping waits for the client's threads.
        tokio::task::spawn_blocking(move || drop(admin)).await.ok();
        answer
    };
    let answers = match asked.await {
        Ok(answers) => answers,
        Err(fault) => {
            tracing::debug!(%fault, "whether topics are compacted is not known");
            return Vec::new();
        }
    };
    names
        .iter()
        .zip(answers)
        .filter(|(_, answer)| {
            let config = answer.as_ref().ok().and_then(|config| config.get("cleanup.policy"));
            config.and_then(|entry| entry.value.as_deref()).is_some_and(|policy| policy.contains("compact"))
        })
        .map(|(topic, _)| topic.to_string())
        .collect()
}
