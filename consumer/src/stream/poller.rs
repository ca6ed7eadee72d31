use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::{KafkaError, KafkaResult},
    message::BorrowedMessage,
    types::RDKafkaErrorCode,
};
use service::{
    fault::{self, Boundary},
    ingest::Position,
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{
    ClusterId, Command,
    context::{Context, End, Event},
    lease::Lease,
    patience::Patience,
    queue::{Item, Queue},
    start::{self, Starts},
    watchdog::Watchdog,
};
use crate::{
    backoff::Backoff,
    message::{Kind, decode},
    metrics,
    record::{Lookup, Record},
    state::Monitor,
    store::{Failure, Partition, Store},
};

/// How long a poll waits for a message: what else there is to do waits no longer than this.
const POLL: Duration = Duration::from_millis(50);
/// The same while partitions change hands.
const POLL_WHILE_CHANGING: Duration = Duration::from_millis(5);
/// How often other work is looked after while messages keep coming.
const CHORES: Duration = Duration::from_millis(20);
/// How long a full queue is waited for before its partitions are paused. A pause throws away what was fetched ahead, so
/// it is for a writer that stands still, not for one that is busy.
const ROOM: Duration = Duration::from_millis(250);
/// How long work under way may hold back a partition that has to be given up.
const DRAIN: Duration = Duration::from_secs(3);
/// How often Kafka is told positions at most.
const COMMIT: Duration = Duration::from_millis(100);
/// How long leaving waits for Kafka's answer to the last positions.
const TELL: Duration = Duration::from_secs(1);
/// How long closing waits for look-ups that are under way.
const LOOK_UPS: Duration = Duration::from_secs(12);

/// Why polling ended.
#[derive(Debug)]
pub(super) enum Ending {
    Stopped,
    /// The consumer has to be made anew.
    Rejoin(String),
    Fatal(Failure),
}

/// A partition's topic, as its place in the list of topics, and its number.
type Slot = (usize, i32);

/// A partition that is being read.
struct Assigned {
    lease: Arc<Lease>,
    /// The offset of the next message to take.
    next: i64,
}

/// A change of hands that the group waits for us to complete. librdkafka announces no other one before that.
enum Change {
    /// Where to begin with new partitions is being looked up.
    TakingOn { partitions: Vec<Slot>, cancel: CancellationToken },
    /// Work on partitions that have to be given up is being finished.
    GivingUp { partitions: Vec<Slot>, until: Instant, lost: bool },
}

/// Polls Kafka, on a thread of its own and always, so that the membership in the group never depends on the database.
pub(super) struct Poller<S> {
    pub(super) consumer: Arc<BaseConsumer<Context>>,
    pub(super) store: S,
    pub(super) topics: Vec<(Arc<str>, Kind)>,
    pub(super) queues: Vec<Arc<Queue>>,
    pub(super) sender: mpsc::Sender<Command>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) cluster_id: ClusterId,
    pub(super) monitor: Monitor,
    pub(super) runtime: Handle,
    pub(super) stop: CancellationToken,
    pub(super) seed: u64,
    pub(super) state: Progress,
}

/// What the poller keeps between polls.
#[derive(Default)]
pub(super) struct Progress {
    assigned: HashMap<Slot, Assigned>,
    change: Option<Change>,
    /// Writers whose partitions are paused.
    paused: Vec<usize>,
    /// Positions that Kafka is to be told.
    commits: HashMap<Slot, i64>,
    /// Positions up to which all is applied.
    applied: HashMap<Slot, i64>,
    /// Positions that Kafka is being told. Members that are joining may not tell any: then they are told again.
    telling: Option<HashMap<Slot, i64>>,
    told: Option<Instant>,
    /// Why the consumer has to be made anew, once a writer has found out.
    stale: Option<String>,
    watchdog: Watchdog,
}

impl<S: Store> Poller<S> {
    /// Polls until told to stop or unable to go on.
    pub(super) fn poll(&mut self) -> Ending {
        let consumer = Arc::clone(&self.consumer);
        let mut chores = Instant::now();
        while !self.stop.is_cancelled() {
            let patience = if self.state.change.is_some() { POLL_WHILE_CHANGING } else { POLL };
            let quiet = match consumer.poll(patience) {
                Some(Ok(message)) => {
                    self.take(&message);
                    false
                }
                Some(Err(fault)) => {
                    if let Some(ending) = self.fault(&fault) {
                        return ending;
                    }
                    true
                }
                None => true,
            };
            if quiet || chores.elapsed() >= CHORES {
                if let Some(ending) = self.chores() {
                    return ending;
                }
                chores = Instant::now();
            }
        }
        Ending::Stopped
    }

    /// Everything but messages.
    fn chores(&mut self) -> Option<Ending> {
        if let Some(ending) = self.obey() {
            return Some(ending);
        }
        self.finish_giving_up();
        self.answer_events();
        self.resume();
        self.tell_positions(false);
        self.watch()
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        let Some(index) = self.topics.iter().position(|(topic, _)| **topic == *message.topic()) else {
            return;
        };
        let (topic, kind) = &self.topics[index];
        let partition = message.partition();
        // What comes from a partition that is being given up, or comes a second time, is read by whoever needs it.
        let Some(assigned) = self.state.assigned.get_mut(&(index, partition)) else { return };
        if message.offset() < assigned.next {
            return;
        }
        assigned.next = message.offset() + 1;
        fault::pass(Boundary::Fetched);
        let record = Record::copy(topic.clone(), message);
        let content = decode(*kind, record.payload.as_deref(), &Lookup(&record.headers));
        let item = Item { record, content, lease: Arc::clone(&assigned.lease) };
        metrics::taken(topic);
        self.state.watchdog.progress();
        let writer = self.writer(partition);
        let queue = &self.queues[writer];
        queue.push(item);
        if queue.is_full() && !self.state.paused.contains(&writer) && !queue.wait_for_room(ROOM) {
            self.pause(writer);
        }
    }

    /// Who writes a partition of that number, of whatever topic: messages are keyed by event, so that an event is in
    /// the hands of one writer.
    fn writer(&self, partition: i32) -> usize {
        usize::try_from(partition).unwrap_or_default() % self.queues.len()
    }

    fn pause(&mut self, writer: usize) {
        tracing::debug!(writer, "pausing its partitions: it has enough before it");
        self.state.paused.push(writer);
        if let Err(fault) = self.consumer.pause(&self.of_writer(writer)) {
            tracing::debug!(%fault, "partitions could not be paused");
        }
    }

    fn resume(&mut self) {
        let paused = std::mem::take(&mut self.state.paused);
        let (resumed, paused) = paused.into_iter().partition(|writer| self.queues[*writer].has_room());
        self.state.paused = paused;
        for writer in resumed {
            tracing::debug!(writer, "resuming its partitions");
            if let Err(fault) = self.consumer.resume(&self.of_writer(writer)) {
                tracing::debug!(%fault, "partitions could not be resumed");
            }
        }
    }

    fn of_writer(&self, writer: usize) -> TopicPartitionList {
        self.list(self.state.assigned.keys().filter(|(_, partition)| self.writer(*partition) == writer))
    }

    fn list<'a>(&self, slots: impl IntoIterator<Item = &'a Slot>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (index, partition) in slots {
            list.add_partition(&self.topics[*index].0, *partition);
        }
        list
    }

    fn slots(&self, named: &[(String, i32)]) -> Vec<Slot> {
        named.iter().filter_map(|(topic, partition)| self.slot(topic, *partition)).collect()
    }

    fn slot(&self, topic: &str, partition: i32) -> Option<Slot> {
        Some((self.topics.iter().position(|(known, _)| **known == *topic)?, partition))
    }

    fn answer_events(&mut self) {
        while self.state.change.is_none() {
            match self.consumer.context().next() {
                None => return,
                Some(Event::Assign(named)) => self.take_on(&named),
                Some(Event::Revoke(named)) => self.give_up(&named),
                Some(Event::Ends(ends)) => self.measure(&ends),
            }
        }
    }

    fn take_on(&mut self, named: &[(String, i32)]) {
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
    fn begin(&mut self, starts: &Starts) -> Option<Ending> {
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
            self.state
                .assigned
                .insert(slot, Assigned { lease: Arc::new(Lease::at(start.place)), next: start.offset });
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

    fn give_up(&mut self, named: &[(String, i32)]) {
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

    fn finish_giving_up(&mut self) {
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

    fn obey(&mut self) -> Option<Ending> {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Applied(positions) => self.note(&positions),
                Command::Commit(positions) => self.commit_later(&positions),
                Command::Told(outcome) => self.told(outcome),
                Command::Rejoin(reason) => self.state.stale = Some(reason),
                Command::Fail(failure) => return Some(Ending::Fatal(failure)),
                Command::Begin(starts) => {
                    if let Some(ending) = self.begin(&starts) {
                        return Some(ending);
                    }
                }
            }
        }
        self.state.stale.take().map(Ending::Rejoin)
    }

    /// Only positions; there is nothing to begin with while partitions are given up.
    fn obey_commits(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Applied(positions) => self.note(&positions),
                Command::Commit(positions) => self.commit_later(&positions),
                Command::Told(outcome) => self.told(outcome),
                Command::Rejoin(reason) => self.state.stale = Some(reason),
                Command::Begin(_) | Command::Fail(_) => {}
            }
        }
    }

    /// What was told late must not take back what was told since.
    fn commit_later(&mut self, positions: &[Position]) {
        for position in positions {
            let Some(slot) = self.slot(&position.topic, position.partition) else { continue };
            if self.state.assigned.contains_key(&slot) {
                let latest = self.state.commits.entry(slot).or_insert(position.next_offset);
                *latest = (*latest).max(position.next_offset);
            }
        }
    }

    fn note(&mut self, positions: &[Position]) {
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
    fn tell_positions(&mut self, now: bool) {
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

    fn told(&mut self, outcome: KafkaResult<()>) {
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
    fn is_untold(&self) -> bool {
        let is_meant = |slot: &Slot| match &self.state.change {
            Some(Change::GivingUp { partitions, .. }) => partitions.contains(slot),
            _ => true,
        };
        self.state.commits.keys().chain(self.state.telling.iter().flat_map(HashMap::keys)).any(is_meant)
    }

    fn measure(&mut self, ends: &[End]) {
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

    fn watch(&mut self) -> Option<Ending> {
        // Where writers have work, or a pause or a change of hands holds messages back, standing still is no fault of the
        // consumer's.
        let excused = self.state.change.is_some()
            || !self.state.paused.is_empty()
            || self.queues.iter().any(|queue| !queue.is_empty())
            || self.state.assigned.values().any(|assigned| !assigned.lease.idle());
        self.state
            .watchdog
            .barks(Instant::now(), excused)
            .then(|| Ending::Rejoin("there are messages to read, but none comes".to_owned()))
    }

    fn fault(&mut self, fault: &KafkaError) -> Option<Ending> {
        let code = fault.rdkafka_error_code();
        match (fault, code) {
            (KafkaError::MessageConsumptionFatal(_), _) => Some(Ending::Rejoin(fault.to_string())),
            (_, Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange)) => {
                Some(Ending::Rejoin("Kafka no longer has an offset that was to be read next".to_owned()))
            }
            (_, Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic)) => {
                self.tell("waiting for topics that do not exist yet");
                None
            }
            // The loss of brokers is told by the context.
            (
                _,
                Some(
                    RDKafkaErrorCode::AllBrokersDown
                    | RDKafkaErrorCode::BrokerTransportFailure
                    | RDKafkaErrorCode::Resolve
                    | RDKafkaErrorCode::OperationTimedOut,
                ),
            ) => None,
            _ => {
                self.tell(&fault.to_string());
                None
            }
        }
    }

    fn tell(&self, trouble: &str) {
        if self.monitor.trouble(trouble) {
            tracing::warn!("Kafka: {trouble}");
        }
    }

    /// Finishes what is under way, within bounds, and leaves the group.
    pub(super) fn leave(mut self) {
        for assigned in self.state.assigned.values() {
            assigned.lease.revoke();
        }
        let until = Instant::now() + DRAIN;
        while self.state.assigned.values().any(|assigned| !assigned.lease.idle()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.obey_commits();
        // A member that has left may not tell positions any more.
        let until = Instant::now() + TELL;
        while self.monitor.state().connected && self.is_untold() && Instant::now() < until {
            self.tell_positions(true);
            std::thread::sleep(Duration::from_millis(2));
            self.obey_commits();
        }
        match self.state.change.take() {
            // An assignment that is never answered would keep the consumer from closing.
            Some(Change::TakingOn { cancel, .. }) => {
                cancel.cancel();
                answered(self.consumer.incremental_assign(&TopicPartitionList::new()));
            }
            Some(Change::GivingUp { partitions, .. }) => {
                answered(self.consumer.incremental_unassign(&self.list(&partitions)));
            }
            None => {}
        }
        self.monitor.assigned(0);
        self.consumer.context().close();
        // Whoever holds the consumer last closes it; that should be this thread.
        let until = Instant::now() + LOOK_UPS;
        while Arc::strong_count(&self.consumer) > 1 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The group goes on once a change of hands is answered; where librdkafka refuses the answer, it asks again.
fn answered(result: KafkaResult<()>) {
    if let Err(fault) = result {
        tracing::warn!(%fault, "a change of partitions was refused");
    }
}
