use std::{collections::HashMap, sync::Arc, time::Duration};

use consumer::Topics;
use futures_util::future::try_join_all;
use rdkafka::{
    ClientConfig,
    config::RDKafkaLogLevel,
    error::KafkaError,
    producer::{FutureProducer, FutureRecord},
};
use service::Service;

use super::{Error, message::Message};

/// Messages that are under way at a time.
const PORTION: usize = 500;
/// So many messages of a partition may wait for being applied. The embedded broker drops what lies more than 5 MiB back,
/// which is some 12,000 messages of this size.
const AHEAD: i64 = 4_000;
const GLANCE: Duration = Duration::from_millis(50);

type Partition = (Arc<str>, i32);

/// Where the demo's messages go.
pub(crate) struct Sink {
    producer: FutureProducer,
    topics: Topics,
    brake: Brake,
    /// The next offset of each partition that was written to.
    written: HashMap<Partition, i64>,
}

/// What keeps the demo from going too fast.
pub(crate) enum Brake {
    /// The broker keeps everything.
    None,
    /// The broker forgets: wait for what was written to be applied.
    Applied {
        /// Tells how far it is.
        service: Arc<Service>,
        /// The broker's cluster.
        cluster_id: String,
    },
}

impl Sink {
    /// For the brokers at an address. `librdkafka` are further settings by their names there.
    pub(crate) fn new(
        brokers: &str,
        topics: Topics,
        librdkafka: &[(String, String)],
        brake: Brake,
    ) -> Result<Self, Error> {
        let mut config = ClientConfig::new();
        config
            .set_log_level(RDKafkaLogLevel::Warning)
            .set("client.id", "pulsegate-demo")
            .set("linger.ms", "5")
            .set("compression.type", "lz4")
            .set("message.timeout.ms", "30000")
            .extend(librdkafka.iter().cloned());
        let producer = config.set("bootstrap.servers", brokers).set("acks", "all").create()?;
        Ok(Self { producer, topics, brake, written: HashMap::new() })
    }

    /// Sends messages and returns when the broker has them. Messages of one key keep their order.
    pub(super) async fn send(&mut self, messages: &[Message]) -> Result<(), Error> {
        for portion in messages.chunks(PORTION) {
            let mut sent = Vec::with_capacity(portion.len());
            for message in portion {
                let payload = serde_json::to_vec(&message.body)?;
                let (producer, topic) = (&self.producer, message.topic(&self.topics));
                sent.push(async move {
                    let record = FutureRecord::to(topic).key(&message.key).payload(&payload);
                    let delivery =
                        producer.send(record, Duration::from_secs(30)).await.map_err(|(fault, _)| fault)?;
                    Ok::<_, KafkaError>((Arc::<str>::from(topic), delivery.partition, delivery.offset + 1))
                });
            }
            for (topic, partition, next) in try_join_all(sent).await? {
                let written = self.written.entry((topic, partition)).or_default();
                *written = next.max(*written);
            }
            self.hold().await;
        }
        Ok(())
    }

    /// Waits while the broker holds too much that is not applied. A database that is away is waited for too.
    async fn hold(&self) {
        let Brake::Applied { service, cluster_id } = &self.brake else { return };
        let far: Vec<Partition> = self
            .written
            .iter()
            .filter(|(_, next)| **next > AHEAD)
            .map(|(partition, _)| partition.clone())
            .collect();
        if far.is_empty() {
            return;
        }
        loop {
            let applied = service.positions(cluster_id, &far).await.unwrap_or_default();
            let behind = |partition: &Partition| {
                self.written.get(partition).unwrap_or(&0)
                    - applied.get(partition).map_or(0, |place| place.next_offset)
            };
            if far.iter().all(|partition| behind(partition) <= AHEAD) {
                return;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
}
