use std::{
    sync::mpsc::{self, Receiver, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use consumer::Topics;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    mocking::MockCluster,
};
use tokio::sync::oneshot;

/// Partitions of a topic. They can't be added later.
pub(crate) const PARTITIONS: i32 = 12;
/// Few messages, and one place to look for them in the order of their failure.
const DEAD_LETTER_PARTITIONS: i32 = 1;
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no embedded broker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the embedded broker can't be started: {0}")]
    Kafka(#[from] KafkaError),
    #[error("the embedded broker can't be started: it does not say what cluster it is")]
    Nameless,
    #[error("the embedded broker can't be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the embedded broker ended while it was being started")]
    Lost,
}

/// A broker within the process, on a free port of the loopback interface. It speaks Kafka's protocol, so any client can
/// produce into it; all that it holds is gone when it is dropped. A partition drops what lies more than 5 MiB or
/// 100,000 message sets back, read or not.
#[derive(Debug)]
pub(crate) struct EmbeddedKafka {
    /// `127.0.0.1:41234`
    pub(crate) address: String,
    /// Another one in each run, most likely: it comes from where the broker lies in memory.
    pub(crate) cluster_id: String,
    /// Dropping it ends the thread.
    keep: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedKafka {
    /// Starts a broker that has the topics.
    pub(crate) async fn start(topics: &Topics) -> Result<Self, Error> {
        let topics = [
            (topics.event_created.clone(), PARTITIONS),
            (topics.participant_registered.clone(), PARTITIONS),
            (topics.distribution_completed.clone(), PARTITIONS),
            (topics.dead_letter.clone(), DEAD_LETTER_PARTITIONS),
        ];
        let (keep, until) = mpsc::channel();
        let (tell, told) = oneshot::channel();
        // The broker's handle must not leave the thread that made it.
        let thread =
            thread::Builder::new().name("kafka".to_owned()).spawn(move || host(&topics, tell, &until))?;
        let (address, cluster_id) = told.await.map_err(|_| Error::Lost)??;
        Ok(Self { address, cluster_id, keep: Some(keep), thread: Some(thread) })
    }
}

impl Drop for EmbeddedKafka {
    fn drop(&mut self) {
        drop(self.keep.take());
        if let Some(thread) = self.thread.take() {
            // It only waits for the sender that was dropped; a panic there has been printed.
            let _ = thread.join();
        }
    }
}

type Started = Result<(String, String), Error>;

fn host(topics: &[(String, i32)], tell: oneshot::Sender<Started>, until: &Receiver<()>) {
    let cluster = match MockCluster::new(1) {
        Ok(cluster) => cluster,
        Err(fault) => return drop(tell.send(Err(fault.into()))),
    };
    let started = topics
        .iter()
        .try_for_each(|(name, partitions)| cluster.create_topic(name, *partitions, 1))
        .map_err(Error::from)
        .and_then(|()| {
            let address = cluster.bootstrap_servers();
            let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &address).create()?;
            // The id comes with the metadata, sooner than by waiting for it.
            client.client().fetch_metadata(topics.first().map(|(name, _)| name.as_str()), PATIENCE)?;
            let cluster_id = client.client().fetch_cluster_id(PATIENCE).ok_or(Error::Nameless)?;
            Ok((address, cluster_id))
        });
    let running = started.is_ok();
    if tell.send(started).is_ok() && running {
        // Nothing is ever sent: this returns when the sender is dropped.
        let _ = until.recv();
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::{
        Message, Offset, TopicPartitionList,
        producer::{FutureProducer, FutureRecord},
    };

    use super::*;

    fn topics() -> Topics {
        Topics {
            event_created: "a".to_owned(),
            participant_registered: "b".to_owned(),
            distribution_completed: "c".to_owned(),
            dead_letter: "d".to_owned(),
        }
    }

    #[tokio::test]
    async fn any_client_can_produce_into_it_and_read_from_it() {
        let kafka = EmbeddedKafka::start(&topics()).await.unwrap();
        assert!(kafka.address.starts_with("127.0.0.1:"), "{}", kafka.address);
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &kafka.address).set("group.id", "g");
        let producer: FutureProducer = config.create().unwrap();
        let record = FutureRecord::to("b").partition(11).key("k").payload("hello");
        let delivery = producer.send(record, PATIENCE).await.unwrap();
        assert_eq!((delivery.partition, delivery.offset), (11, 0));

        let consumer: BaseConsumer = config.create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset("b", 11, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let message = consumer.poll(PATIENCE).unwrap().unwrap();
        assert_eq!(message.payload(), Some("hello".as_bytes()));
        let metadata = consumer.fetch_metadata(None, PATIENCE).unwrap();
        let partitions = |name: &str| {
            metadata.topics().iter().find(|topic| topic.name() == name).map(|topic| topic.partitions().len())
        };
        assert_eq!(["a", "b", "c", "d"].map(partitions), [Some(12), Some(12), Some(12), Some(1)]);
    }

    #[tokio::test]
    async fn two_of_them_are_two_clusters() {
        let (one, other) =
            (EmbeddedKafka::start(&topics()).await.unwrap(), EmbeddedKafka::start(&topics()).await.unwrap());
        assert_ne!(one.address, other.address);
        assert_ne!(one.cluster_id, other.cluster_id);
    }
}
