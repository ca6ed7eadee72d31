//! How far the partitions are: applied here, told to Kafka, and behind their ends.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _},
    error::KafkaResult,
};
use service::{
    fault::{self, Boundary},
    ingest::Position,
};

use super::{Poller, Slot, hands::Change};
use crate::{
    metrics,
    store::Store,
    stream::{Command, context::End},
};

/// How often Kafka is told positions at most.
const COMMIT: Duration = Duration::from_millis(100);

impl<S: Store> Poller<S> {
    /// What was told late must not take back what was told since.
    pub(super) fn commit_later(&mut self, positions: &[Position]) {
        for position in positions {
            let Some(slot) = self.slot(&position.topic, position.partition) else { continue };
            if self.state.assigned.contains_key(&slot) {
                let latest = self.state.commits.entry(slot).or_insert(position.next_offset);
                *latest = (*latest).max(position.next_offset);
            }
        }
    }

    pub(super) fn note(&mut self, positions: &[Position]) {
        for position in positions {
            let Some(slot) = self.slot(&position.topic, position.partition) else { continue };
            if self.state.assigned.contains_key(&slot) {
                self.state.applied.insert(slot, position.next_offset);
                self.state.watchdog.progress();
            }
        }
    }

    /// Tells Kafka how far the group is, now and then, without waiting for its answer. A call that waits is the only
    /// one whose failure is heard of, so it is another thread that waits.
    pub(super) fn tell_positions(&mut self, now: bool) {
        if self.state.commits.is_empty()
            || self.state.telling.is_some()
            || !now && self.state.told.is_some_and(|last| last.elapsed() < COMMIT)
        {
            return;
        }
        let positions = std::mem::take(&mut self.state.commits);
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for ((index, partition), offset) in &positions {
            let topic = &self.topics[*index].0;
            if let Err(fault) = list.add_partition_offset(topic, *partition, Offset::Offset(*offset)) {
                tracing::debug!(%fault, "a position can't be expressed");
            }
        }
        self.state.telling = Some(positions);
        fault::pass(Boundary::BeforeOffsetCommit);
        let (consumer, sender) = (Arc::clone(&self.consumer), self.sender.clone());
        self.runtime.spawn_blocking(move || {
            let outcome = consumer.commit(&list, CommitMode::Sync);
            // A list that outlives its consumer keeps it from being dropped.
            drop(list);
            drop(consumer);
            // The poller is gone only where the consumer is being stopped.
            sender.send(Command::Told(outcome)).ok();
        });
    }

    pub(super) fn told(&mut self, outcome: KafkaResult<()>) {
        self.state.told = Some(Instant::now());
        let Some(positions) = self.state.telling.take() else { return };
        let Err(fault) = outcome else { return };
        tracing::debug!(%fault, "Kafka did not take positions: they are told again");
        for (slot, offset) in positions {
            if self.state.assigned.contains_key(&slot) {
                let latest = self.state.commits.entry(slot).or_insert(offset);
                *latest = (*latest).max(offset);
            }
        }
    }

    /// Whether Kafka does not know yet how far the partitions are that are being given up; all of them where the group
    /// is left.
    pub(super) fn is_untold(&self) -> bool {
        let is_meant = |slot: &Slot| match &self.state.change {
            Some(Change::GivingUp { partitions, .. }) => partitions.contains(slot),
            _ => true,
        };
        self.state.commits.keys().chain(self.state.telling.iter().flat_map(HashMap::keys)).any(is_meant)
    }

    pub(super) fn measure(&mut self, ends: &[End]) {
        let mut lag = 0;
        for end in ends {
            let Some(slot) = self.slot(&end.topic, end.partition) else { continue };
            let Some(applied) = self.state.applied.get(&slot) else { continue };
            let taken = self.state.assigned.get(&slot).map(|assigned| assigned.next);
            let behind = if end.read && taken == Some(*applied) { 0 } else { (end.offset - applied).max(0) };
            metrics::lag(&end.topic, end.partition, behind);
            lag += behind;
        }
        self.state.watchdog.lag(lag);
    }
}
