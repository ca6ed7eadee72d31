use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    mocking::MockCluster,
    producer::{DefaultProducerContext, FutureProducer, FutureRecord},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fake::Fake;
use crate::{Error, Monitor, Settings, Topics, client, dead_letter::headers_for_tests as native, stream};

pub(super) const PARTITIONS: i32 = 3;

/// A broker in this process.
pub(super) struct Broker {
    pub(super) cluster: MockCluster<'static, DefaultProducerContext>,
    pub(super) settings: Settings,
    producer: FutureProducer,
}

impl Broker {
    /// With all topics.
    pub(super) fn new() -> Self {
        let broker = Self::empty();
        broker.create_topics();
        broker
    }

    /// Without topics.
    pub(super) fn empty() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        let settings = Settings {
            brokers: cluster.bootstrap_servers(),
            group_id: "pulsegate".to_owned(),
            topics: Topics {
                event_created: "event.created".to_owned(),
                participant_registered: "participant.registered".to_owned(),
                distribution_completed: "distribution.completed".to_owned(),
                dead_letter: "analytics.dead-letter".to_owned(),
            },
            librdkafka: vec![
                // So that the broker's limits are met by what is sent.
                ("compression.type".to_owned(), "none".to_owned()),
                ("statistics.interval.ms".to_owned(), "200".to_owned()),
                ("topic.metadata.refresh.interval.ms".to_owned(), "500".to_owned()),
            ],
            writers: 2,
            batch_max: 100,
        };
        let producer = client::producer(&settings).create().unwrap();
        Self { cluster, settings, producer }
    }

    pub(super) fn create_topics(&self) {
        let topics = &self.settings.topics;
        for topic in [&topics.event_created, &topics.participant_registered, &topics.distribution_completed] {
            self.cluster.create_topic(topic, PARTITIONS, 1).unwrap();
        }
        self.cluster.create_topic(&topics.dead_letter, 1, 1).unwrap();
    }

    pub(super) async fn send(&self, topic: &str, partition: i32, payload: &str, headers: &[(&str, &str)]) {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())))
            .collect();
        let record = FutureRecord::to(topic)
            .partition(partition)
            .key("key")
            .payload(payload)
            .headers(native(&headers));
        self.producer.send(record, Duration::from_secs(5)).await.unwrap();
    }

    /// Sends participants `from..to`, spread over the partitions; the event's name tells the number.
    pub(super) async fn participants(&self, from: usize, to: usize) {
        let sending = (from..to).map(|number| {
            let partition = i32::try_from(number).unwrap() % PARTITIONS;
            async move {
                self.send("participant.registered", partition, &participant(&format!("evt-{number}")), &[])
                    .await;
            }
        });
        // Joined in order, they are enqueued in order.
        futures_util::future::join_all(sending).await;
    }

    pub(super) fn consume(&self, store: &Arc<Fake>) -> Running {
        let stop = CancellationToken::new();
        let monitor = Monitor::default();
        let task = tokio::spawn(stream::run(
            Arc::clone(store),
            self.settings.clone(),
            monitor.clone(),
            stop.clone(),
        ));
        Running { task, stop, monitor }
    }
}

pub(super) fn participant(event_id: &str) -> String {
    format!(r#"{{"eventId":"{event_id}","occurredAt":"2026-01-05T09:31:12Z"}}"#)
}

/// A consumer under test.
pub(super) struct Running {
    pub(super) task: JoinHandle<Result<(), Error>>,
    pub(super) stop: CancellationToken,
    pub(super) monitor: Monitor,
}

impl Running {
    /// Waits until that many partitions are read.
    pub(super) async fn assigned(&self, partitions: usize) {
        for _ in 0..2000 {
            if self.monitor.state().assigned == partitions {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}", self.monitor.state());
    }

    pub(super) async fn stop(self) {
        let begun = Instant::now();
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(8), "stopping took {:?}", begun.elapsed());
    }
}

/// Whether the messages of each partition were applied in the order of their offsets.
pub(super) fn in_order(store: &Fake) -> bool {
    let mut last: HashMap<_, i64> = HashMap::new();
    store.inner().applied.iter().all(|message| {
        let before = last.insert((message.topic.clone(), message.partition), message.offset);
        before.is_none_or(|before| before < message.offset)
    })
}
