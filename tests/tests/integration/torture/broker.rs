//! Talks to a broker that may be away at any moment.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tests::testbed::Topics;

use super::messages::Message;
use crate::judge::Topic;

/// Topic, partition, offset.
pub(crate) type Place = (String, i32, i64);

/// A record as it was sent or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, String)>,
}

pub(crate) struct Sender {
    producer: FutureProducer,
    topics: Topics,
    /// Where poison lies, and what is wrong with it.
    pub(crate) poison: BTreeMap<Place, (Record, &'static str)>,
}

impl Sender {
    pub(crate) fn new(brokers: &str, topics: &Topics) -> Self {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "5")
            .set("message.max.bytes", "2000000")
            .set("reconnect.backoff.max.ms", "500")
            // However long the broker is away.
            .set("message.timeout.ms", "0")
            .create()
            .unwrap();
        Self { producer, topics: topics.clone(), poison: BTreeMap::new() }
    }

    /// Returns when the broker has them all.
    pub(crate) async fn send(&mut self, messages: &[Message]) {
        let mut acknowledged: FuturesUnordered<_> = messages
            .iter()
            .map(|message| {
                let topic = self.topic(message.topic);
                let headers = message.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
                    headers.insert(Header { key, value: Some(value) })
                });
                let mut record: FutureRecord<'_, [u8], [u8]> =
                    FutureRecord::to(topic).key(message.key.as_bytes()).headers(headers);
                record.payload = message.body.as_deref();
                let delivered = self.producer.send(record, Timeout::Never);
                async move { (message, delivered.await.map_err(|(error, _)| error).unwrap()) }
            })
            .collect();
        let mut poison = Vec::new();
        while let Some((message, delivery)) = acknowledged.next().await {
            if let Some(code) = message.poison {
                let place = (self.topic(message.topic).to_owned(), delivery.partition, delivery.offset);
                let headers = message.headers.iter();
                let record = Record {
                    key: Some(message.key.clone().into_bytes()),
                    body: message.body.clone(),
                    headers: headers.map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
                };
                poison.push((place, (record, code)));
            }
        }
        drop(acknowledged);
        self.poison.extend(poison);
    }

    fn topic(&self, topic: Topic) -> &str {
        match topic {
            Topic::EventCreated => &self.topics.event_created,
            Topic::ParticipantRegistered => &self.topics.participant_registered,
            Topic::DistributionCompleted => &self.topics.distribution_completed,
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

/// All that is in a topic now; blocks.
pub(crate) fn read(brokers: &str, topic: &str) -> anyhow::Result<Vec<Record>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let mut left = BTreeMap::new();
    {
        let mut all = TopicPartitionList::new();
        for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
            let (start, end) = consumer.fetch_watermarks(topic, partition.id(), PATIENCE)?;
            if start < end {
                left.insert(partition.id(), end);
                all.add_partition_offset(topic, partition.id(), Offset::Offset(start))?;
            }
        }
        consumer.assign(&all)?;
    }
    let mut records = Vec::new();
    while !left.is_empty() {
        let message = consumer.poll(PATIENCE).ok_or_else(|| anyhow!("{topic} is not read to its end"))??;
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        records.push(Record {
            key: message.key().map(<[u8]>::to_vec),
            body: message.payload().map(<[u8]>::to_vec),
            headers: headers
                .map(|header| {
                    let value = String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned();
                    (header.key.to_owned(), value)
                })
                .collect(),
        });
        if left.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end) {
            left.remove(&message.partition());
        }
    }
    Ok(records)
}
