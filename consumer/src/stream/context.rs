use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rdkafka::{
    ClientContext, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext},
    error::KafkaError,
    types::{RDKafkaErrorCode, RDKafkaRespErr},
};

use crate::state::Monitor;

/// What librdkafka tells between messages. It is only noted down when told: work in its callbacks would hold up the
/// group.
#[derive(Debug)]
pub(super) enum Event {
    /// Partitions are ours as soon as they are taken on.
    Assign(Vec<(String, i32)>),
    /// Partitions are to be given up.
    Revoke(Vec<(String, i32)>),
    /// The ends of the partitions.
    Ends(Vec<End>),
}

/// How far a partition goes.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) topic: String,
    pub(super) partition: i32,
    /// The offset after the last committed message.
    pub(super) offset: i64,
    /// Whether all before it was fetched and handed out. What is left may be no message: transactions end with a mark.
    pub(super) read: bool,
}

/// The callbacks' side of a consumer.
#[derive(Debug)]
pub(super) struct Context {
    events: Mutex<VecDeque<Event>>,
    closing: AtomicBool,
    monitor: Monitor,
}

impl Context {
    pub(super) fn new(monitor: Monitor) -> Self {
        Self { events: Mutex::default(), closing: AtomicBool::new(false), monitor }
    }

    /// From now on partitions are given up at once, because nobody reads events while the consumer closes.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(super) fn next(&self) -> Option<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Told once when it is so and once when it is no longer.
    pub(super) fn reached(&self, reached: bool) {
        match (self.monitor.connected(reached), reached) {
            (true, true) => tracing::info!("Kafka is reached"),
            (true, false) => tracing::warn!("no Kafka broker can be reached: trying on"),
            (false, _) => {}
        }
    }

    fn note(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push_back(event);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(target: "librdkafka", facility, "{text}");
            }
            // Lost connections and the like: they come in numbers, and what matters of them is told by the poller.
            _ => tracing::debug!(target: "librdkafka", facility, "{text}"),
        }
    }

    fn stats(&self, statistics: Statistics) {
        let reached = statistics.brokers.values().any(|broker| broker.state == "UP");
        self.reached(reached);
        let ends = statistics
            .topics
            .values()
            .flat_map(|topic| topic.partitions.values().map(|partition| (&topic.topic, partition)))
            .filter(|(_, partition)| partition.partition >= 0 && partition.ls_offset >= 0)
            .map(|(topic, partition)| End {
                topic: topic.clone(),
                partition: partition.partition,
                offset: partition.ls_offset,
                read: partition.fetchq_cnt == 0 && partition.next_offset >= partition.ls_offset,
            })
            .collect();
        self.note(Event::Ends(ends));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if matches!(error, KafkaError::Global(RDKafkaErrorCode::AllBrokersDown)) {
            self.reached(false);
        }
        tracing::debug!(%error, reason, "librdkafka");
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let assigned = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            let done = if assigned {
                consumer.incremental_assign(partitions)
            } else {
                consumer.incremental_unassign(partitions)
            };
            if let Err(fault) = done {
                tracing::debug!(%fault, "partitions could not be given up while closing");
            }
            return;
        }
        let listed = partitions
            .elements()
            .iter()
            .map(|element| (element.topic().to_owned(), element.partition()))
            .collect();
        self.note(if assigned { Event::Assign(listed) } else { Event::Revoke(listed) });
    }
}
