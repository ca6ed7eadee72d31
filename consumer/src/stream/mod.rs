//! From Kafka to the store and back: reading as a member of the group, applying in transactions, moving positions.

mod context;
mod lease;
mod patience;
mod poller;
mod portion;
mod queue;
mod queues;
mod start;
mod watchdog;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, OnceLock, mpsc},
    time::Duration,
};

use rand::{RngCore as _, SeedableRng as _, rngs::SmallRng};
use rdkafka::{
    config::FromClientConfigAndContext as _,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};
use service::ingest::Position;
use tokio::{runtime::Handle, sync::oneshot, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::{
    context::Context,
    poller::{Ending, Poller},
    queues::Queues,
    writer::Writer,
};
use crate::{
    Error, Settings,
    backoff::Backoff,
    client, dead_letter, metrics,
    state::Monitor,
    store::{Failure, Store},
    topics,
};

/// The cluster that positions belong to, known once the first partition was looked up.
type ClusterId = Arc<OnceLock<Arc<str>>>;

/// A queue is full with that many of the largest batches, or with that many bytes; it never takes more than twice that.
const QUEUED_BATCHES: usize = 3;
const QUEUED_BYTES: usize = 16 << 20;
/// How long leaving the group may take before the consumer goes on without waiting for it.
const LEAVING: Duration = Duration::from_secs(20);

/// What the poller is told by others.
#[derive(Debug)]
enum Command {
    /// Everything before these positions is applied.
    Applied(Vec<Position>),
    /// Everything before these positions is applied and published.
    Commit(Vec<Position>),
    /// What came of telling Kafka positions.
    Told(Result<(), KafkaError>),
    /// Where to begin with the partitions that are being taken on.
    Begin(start::Starts),
    /// What is stored is not what was read on from: the positions have to be looked up anew.
    Rejoin(String),
    /// Neither waiting nor another message helps.
    Fail(Failure),
}

/// Reads until `stop` is cancelled.
pub(crate) async fn run<S: Store>(
    store: S,
    settings: Settings,
    monitor: Monitor,
    stop: CancellationToken,
) -> Result<(), Error> {
    settings.check()?;
    let mut random = SmallRng::from_os_rng();
    let dead_letters = Arc::new(dead_letter::Sender::new(&settings));
    let topics = tokio::spawn(topics::ensure(settings.clone(), random.next_u64(), stop.clone()));
    let mut backoff = Backoff::new(random.next_u64());
    let result = loop {
        let session = Session {
            store: store.clone(),
            settings: &settings,
            dead_letters: Arc::clone(&dead_letters),
            monitor: monitor.clone(),
            stop: stop.child_token(),
            seed: random.next_u64(),
        };
        match session.run().await {
            Ok(None) => break Ok(()),
            Ok(Some(reason)) => {
                metrics::rejoined();
                monitor.trouble(&reason);
                tracing::warn!("joining the group anew: {reason}");
                if stop.run_until_cancelled(tokio::time::sleep(backoff.pause())).await.is_none() {
                    break Ok(());
                }
            }
            Err(error) => break Err(error),
        }
    };
    topics.abort();
    // Its thread is waited for, and messages that were given up may still be in its hands.
    drop(tokio::task::spawn_blocking(move || drop(dead_letters)));
    result
}

/// One membership in the group.
struct Session<'a, S> {
    store: S,
    settings: &'a Settings,
    dead_letters: Arc<dead_letter::Sender>,
    monitor: Monitor,
    stop: CancellationToken,
    seed: u64,
}

impl<S: Store> Session<'_, S> {
    /// Reads until told to stop, or until the membership has to be renewed, for the reason given.
    async fn run(self) -> Result<Option<String>, Error> {
        // Where this future is dropped, the thread and the writers end all the same.
        let _ended = self.stop.clone().drop_guard();
        let topics = self.settings.topics.sources();
        let consumer = BaseConsumer::from_config_and_context(
            &client::consumer(self.settings),
            Context::new(self.monitor.clone()),
        )?;
        let names: Vec<&str> = topics.iter().map(|(topic, _)| topic.as_ref()).collect();
        consumer.subscribe(&names)?;

        let messages = self.settings.batch_max * 5 / 2 * QUEUED_BATCHES;
        let queues = Arc::new(Queues::new(self.settings.writers, messages, QUEUED_BYTES));
        let cluster_id = ClusterId::default();
        let (sender, commands) = mpsc::channel();
        let mut writers = JoinSet::new();
        for (queue, seed) in queues.iter().zip(self.seed..) {
            let writer = Writer {
                store: self.store.clone(),
                queue: Arc::clone(queue),
                dead_letters: Arc::clone(&self.dead_letters),
                commands: sender.clone(),
                cluster_id: Arc::clone(&cluster_id),
                monitor: self.monitor.clone(),
                stop: self.stop.clone(),
                batch_max: self.settings.batch_max,
                seed,
            };
            writers.spawn(writer.run());
        }
        let mut poller = Poller {
            consumer: Arc::new(consumer),
            store: self.store.clone(),
            topics: topics.to_vec(),
            queues: Arc::clone(&queues),
            sender,
            commands,
            cluster_id,
            monitor: self.monitor.clone(),
            runtime: Handle::current(),
            stop: self.stop.clone(),
            seed: self.seed,
            state: poller::Progress::default(),
        };
        let (ended, ending) = oneshot::channel();
        let (gone, left) = oneshot::channel();
        // Nobody listens any more where leaving has taken too long.
        let polling = move || {
            ended.send(poller.poll()).ok();
            poller.leave();
            gone.send(()).ok();
        };
        std::thread::Builder::new()
            .name("kafka".to_owned())
            .spawn(polling)
            .map_err(|_| Error::Lost("polling thread"))?;

        tokio::select! {
            ending = ending => {
                self.end(left, &queues, writers).await;
                match ending {
                    Ok(Ending::Stopped) => Ok(None),
                    Ok(Ending::Rejoin(reason)) => Ok(Some(reason)),
                    Ok(Ending::Fatal(failure)) => Err(Error::Store(failure)),
                    Err(_) => Err(Error::Lost("polling thread")),
                }
            }
            // A writer ends early only where it can't go on.
            failed = writers.join_next() => {
                self.end(left, &queues, writers).await;
                match failed {
                    Some(Ok(Err(failure))) => Err(Error::Store(failure)),
                    _ => Err(Error::Lost("writer")),
                }
            }
        }
    }

    /// Waits, within bounds, until the group is left and what is under way is finished.
    async fn end(
        &self,
        left: oneshot::Receiver<()>,
        queues: &Queues,
        mut writers: JoinSet<Result<(), Failure>>,
    ) {
        self.stop.cancel();
        if tokio::time::timeout(LEAVING, left).await.is_err() {
            tracing::warn!("Kafka's client does not end; going on without it");
        }
        for queue in queues.iter() {
            queue.close();
        }
        if tokio::time::timeout(LEAVING, async { while writers.join_next().await.is_some() {} })
            .await
            .is_err()
        {
            tracing::warn!("a transaction under way is abandoned");
        }
    }
}
