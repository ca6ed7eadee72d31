//! Partitions that come to this member and go from it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer as _, error::KafkaResult};
use service::fault::{self, Boundary};
use tokio_util::sync::CancellationToken;

use super::{Assigned, Ending, Poller, Slot};
use crate::{
    backoff::Backoff,
    metrics,
    store::{Partition, Store},
    stream::{
        Command,
        context::Event,
        lease::Lease,
        patience::Patience,
        start::{self, Starts},
    },
};

/// How long work under way may hold back a partition that has to be given up.
pub(super) const DRAIN: Duration = Duration::from_secs(3);

/// A change of hands that the group waits for us to complete. librdkafka announces no other one before that.
pub(super) enum Change {
    /// Where to begin with new partitions is being looked up.
    TakingOn { partitions: Vec<Slot>, cancel: CancellationToken },
    /// Work on partitions that have to be given up is being finished.
    GivingUp { partitions: Vec<Slot>, until: Instant, lost: bool },
}

impl<S: Store> Poller<S> {
    pub(super) fn answer_events(&mut self) {
        while self.state.change.is_none() {
            match self.consumer.context().next() {
                None => return,
                Some(Event::Assign(named)) => self.take_on(&named),
                Some(Event::Revoke(named)) => self.give_up(&named),
                Some(Event::Ends(ends)) => self.measure(&ends),
            }
        }
    }

    pub(super) fn take_on(&mut self, named: &[(String, i32)]) {
        let slots = self.slots(named);
        tracing::info!(partitions = slots.len(), "assigned");
        if slots.is_empty() {
            answered(self.consumer.incremental_assign(&TopicPartitionList::new()));
            return;
        }
        let partitions: Vec<Partition> =
            slots.iter().map(|(index, partition)| (self.topics[*index].0.clone(), *partition)).collect();
        let cancel = self.stop.child_token();
        let patience =
            Patience::new("positions", Backoff::new(self.seed), self.monitor.clone(), cancel.clone());
        let (consumer, store, sender) = (Arc::clone(&self.consumer), self.store.clone(), self.sender.clone());
        let cancelled = cancel.clone();
        self.runtime.spawn(async move {
            let looking = start::look_up(consumer, &store, partitions, patience);
            match cancelled.run_until_cancelled(looking).await {
                None | Some(Ok(None)) => {}
                // The poller is gone only where the consumer is being stopped.
                Some(Ok(Some(starts))) => drop(sender.send(Command::Begin(starts))),
                Some(Err(failure)) => drop(sender.send(Command::Fail(failure))),
            }
        });
        self.state.change = Some(Change::TakingOn { partitions: slots, cancel });
    }

    /// What the look-up came back with.
    pub(super) fn begin(&mut self, starts: &Starts) -> Option<Ending> {
        let Some(Change::TakingOn { partitions, .. }) = self.state.change.take() else { return None };
        if **self.cluster_id.get_or_init(|| starts.cluster_id.clone()) != *starts.cluster_id {
            return Some(Ending::Rejoin("the brokers belong to another cluster than before".to_owned()));
        }
        fault::pass(Boundary::TakingOn);
        let mut list = TopicPartitionList::with_capacity(starts.starts.len());
        for start in &starts.starts {
            let (topic, partition) = &start.partition;
            let Some(slot) = self.slot(topic, *partition).filter(|slot| partitions.contains(slot)) else {
                continue;
            };
            if let Err(fault) = list.add_partition_offset(topic, *partition, Offset::Offset(start.offset)) {
                return Some(Ending::Rejoin(format!("a start can't be expressed: {fault}")));
            }
            let lease = Arc::new(Lease::at(start.place));
            let taken = metrics::taken(topic);
            self.state.assigned.insert(slot, Assigned { lease, next: start.offset, taken });
            self.state.applied.insert(slot, start.offset);
            if start.unmarked {
                // From here on Kafka's position tells what may not have been published yet.
                self.state.commits.insert(slot, start.offset);
            }
        }
        answered(self.consumer.incremental_assign(&list));
        for writer in self.state.paused.clone() {
            if let Err(fault) = self.consumer.pause(&self.of_writer(writer)) {
                tracing::debug!(%fault, "partitions could not be paused");
            }
        }
        self.consumer.context().reached(true);
        self.monitor.fine();
        self.monitor.assigned(self.state.assigned.len());
        None
    }

    pub(super) fn give_up(&mut self, named: &[(String, i32)]) {
        let partitions = self.slots(named);
        let lost = self.consumer.assignment_lost();
        tracing::info!(partitions = partitions.len(), lost, "revoked");
        for slot in &partitions {
            if let Some(assigned) = self.state.assigned.get(slot) {
                assigned.lease.revoke();
            }
        }
        fault::pass(Boundary::GivingUp);
        self.state.change = Some(Change::GivingUp { partitions, until: Instant::now() + DRAIN, lost });
        self.finish_giving_up();
    }

    pub(super) fn finish_giving_up(&mut self) {
        let Some(Change::GivingUp { partitions, until, lost }) = &self.state.change else { return };
        let (until, lost) = (*until, *lost);
        let mut leases = partitions.iter().filter_map(|slot| self.state.assigned.get(slot));
        let idle = leases.all(|assigned| assigned.lease.idle());
        if !idle && Instant::now() < until {
            return;
        }
        // What was finished while waiting is told first, because afterwards it is not ours to tell. What was lost
        // already is not.
        self.obey_commits();
        if !lost {
            self.tell_positions(true);
            if self.is_untold() && Instant::now() < until {
                return;
            }
        }
        if !idle {
            tracing::warn!(
                "giving partitions up with work under way; the database keeps it from counting twice"
            );
        }
        fault::pass(Boundary::GivenUp);
        let Some(Change::GivingUp { partitions, .. }) = self.state.change.take() else { return };
        for slot in &partitions {
            self.state.assigned.remove(slot);
            self.state.applied.remove(slot);
            self.state.commits.remove(slot);
            metrics::lag(&self.topics[slot.0].0, slot.1, 0);
        }
        answered(self.consumer.incremental_unassign(&self.list(&partitions)));
        self.monitor.assigned(self.state.assigned.len());
    }
}

/// The group goes on once a change of hands is answered; where librdkafka refuses the answer, it asks again.
pub(super) fn answered(result: KafkaResult<()>) {
    if let Err(fault) = result {
        tracing::warn!(%fault, "a change of partitions was refused");
    }
}
