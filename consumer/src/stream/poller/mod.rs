//! Polling Kafka: messages to the writers' queues, and all that has to be done beside.

mod hands;
mod positions;

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use metrics::Counter;
use rdkafka::{
    Message as _, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::BorrowedMessage,
    types::RDKafkaErrorCode,
};
use service::fault::{self, Boundary};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use self::hands::{Change, DRAIN, answered};
use super::{
    ClusterId, Command, context::Context, lease::Lease, queue::Item, queues::Queues, watchdog::Watchdog,
};
use crate::{
    message::{Kind, decode},
    record::{Lookup, Record},
    state::Monitor,
    store::{Failure, Store},
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
    taken: Counter,
}

/// Polls Kafka, on a thread of its own and always, so that the membership in the group never depends on the database.
pub(super) struct Poller<S> {
    pub(super) consumer: Arc<BaseConsumer<Context>>,
    pub(super) store: S,
    pub(super) topics: Vec<(Arc<str>, Kind)>,
    pub(super) queues: Arc<Queues>,
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
        assigned.taken.increment(1);
        self.state.watchdog.progress();
        let writer = self.writer(partition);
        self.queues.push(writer, item);
        if self.queues.is_full(writer)
            && !self.state.paused.contains(&writer)
            && !self.queues.wait_for_room(writer, ROOM)
        {
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

    fn obey(&mut self) -> Option<Ending> {
        while let Ok(command) = self.commands.try_recv() {
            let ending = match self.take_note(command) {
                Some(Command::Fail(failure)) => Some(Ending::Fatal(failure)),
                Some(Command::Begin(starts)) => self.begin(&starts),
                _ => None,
            };
            if ending.is_some() {
                return ending;
            }
        }
        self.state.stale.take().map(Ending::Rejoin)
    }

    /// Only what is noted; there is nothing to begin with while partitions are given up.
    fn obey_commits(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            self.take_note(command);
        }
    }

    /// Gives back what has to be acted on at once.
    fn take_note(&mut self, command: Command) -> Option<Command> {
        match command {
            Command::Applied(positions) => self.note(&positions),
            Command::Commit(positions) => self.commit_later(&positions),
            Command::Told(outcome) => self.told(outcome),
            Command::Rejoin(reason) => self.state.stale = Some(reason),
            Command::Begin(_) | Command::Fail(_) => return Some(command),
        }
        None
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
