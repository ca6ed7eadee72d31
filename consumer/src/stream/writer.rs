use std::{
    collections::HashSet,
    sync::{Arc, mpsc},
    time::Duration,
};

use futures_util::future::join_all;
use service::{
    ErrorKind,
    domain::EventId,
    fault::{self, Boundary},
    ingest::{Applied, Position},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    ClusterId, Command,
    patience::Patience,
    portion::{Holds, Portion, Split},
    queue::{Item, Queue},
};
use crate::{
    backoff::Backoff,
    dead_letter,
    message::{Code, Rejection},
    metrics,
    record::Record,
    state::Monitor,
    store::{Failure, Store},
    trace,
};

/// Events that are remembered because messages about them had to be refused.
const OVERFULL_EVENTS: usize = 1_000;

/// Where a transaction took in all that there was, the next begins this many times as long after it began as it took:
/// meanwhile messages gather, and the database spends less on each of them.
const PACE: u32 = 4;
/// But no later than this because of that: somebody may be looking at the chart.
const LATEST: Duration = Duration::from_millis(50);

/// Turns what is in its queue into transactions, one at a time.
///
/// The steps of a batch, in the order that nothing may change: dead letters are acknowledged, the batch is applied, its
/// commits are published, Kafka's position is moved. A crash between any two of them loses nothing and counts nothing
/// twice. While commits are published the next batch is applied already.
pub(super) struct Writer<S> {
    pub(super) store: S,
    pub(super) queue: Arc<Queue>,
    pub(super) dead_letters: Arc<dead_letter::Sender>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) cluster_id: ClusterId,
    pub(super) monitor: Monitor,
    pub(super) stop: CancellationToken,
    pub(super) batch_max: usize,
    pub(super) seed: u64,
}

/// The commits that are being published.
#[derive(Default)]
struct Publishing(Option<JoinHandle<()>>);

impl Publishing {
    async fn finish(&mut self) {
        let Some(publishing) = self.0.take() else { return };
        if let Err(failed) = publishing.await
            && let Ok(panic) = failed.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// What became of a transaction.
enum Outcome {
    Applied(Applied),
    /// Something in it can't be applied.
    Refused(Failure),
    /// Nothing of it is ours any more, or the consumer is being stopped.
    Abandoned,
    /// It does not follow on what is stored.
    Stale(Failure),
}

impl<S: Store> Writer<S> {
    /// Works until the queue is closed.
    ///
    /// # Errors
    /// Where neither waiting nor another message helps.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut limit = self.batch_max;
        let mut overfull_events = HashSet::new();
        let mut publishing = Publishing::default();
        let mut next = Instant::now();
        loop {
            // Whether they gathered or the time is over.
            let _ = timeout_at(next, self.queue.gather(limit)).await;
            let Some((items, behind)) = self.queue.take(limit).await else { break };
            let begun = Instant::now();
            if !self.settle(items, &mut overfull_events, &mut publishing).await? {
                // Whatever comes next would follow on what was left out here.
                self.stop.cancelled().await;
                return Ok(());
            }
            // Where messages have piled up, larger transactions cost less per message; else they would only be late.
            limit = if behind { self.batch_max * 5 / 2 } else { self.batch_max };
            next = begun + if behind { Duration::ZERO } else { (begun.elapsed() * PACE).min(LATEST) };
        }
        publishing.finish().await;
        Ok(())
    }

    /// `false` where nothing more may be done. `overfull_events` are those whose messages had to be refused before:
    /// theirs are tried apart from the start.
    async fn settle(
        &self,
        items: Vec<Item>,
        overfull_events: &mut HashSet<EventId>,
        publishing: &mut Publishing,
    ) -> Result<bool, Failure> {
        let (mut portion, rejected, holds) = Portion::new(items);
        let holds = Arc::new(holds);
        let letters = rejected.iter().map(|(index, rejection)| {
            let record = portion.record(*index);
            self.dead_letter(record, rejection, &holds)
        });
        if !join_all(letters).await.into_iter().all(|acknowledged| acknowledged) && self.stop.is_cancelled() {
            return Ok(true);
        }
        if !rejected.is_empty() {
            fault::pass(Boundary::DeadLettered);
        }
        portion.keep(&holds);
        let overfull = portion.take_out(overfull_events);
        let mut left = vec![portion];
        left.extend(overfull);
        // On their way together; no position passes over them before they are there.
        let mut refused: Vec<(Box<Record>, Rejection)> = Vec::new();
        while let Some(mut portion) = left.pop() {
            if !portion.is_apart() && !refused.is_empty() {
                let letters =
                    refused.iter().map(|(record, rejection)| self.dead_letter(record, rejection, &holds));
                let all = join_all(letters).await.into_iter().all(|acknowledged| acknowledged);
                if !all && self.stop.is_cancelled() {
                    return Ok(true);
                }
                refused.clear();
            }
            match self.apply(&mut portion, &holds).await? {
                Outcome::Applied(applied) => {
                    if portion.is_apart() {
                        for message in &portion.batch().messages {
                            overfull_events.remove(message.fact.event_id());
                        }
                    }
                    for place in &portion.batch().positions {
                        if let Some(hold) = holds.get(&(place.topic.clone(), place.partition)) {
                            hold.applied(place.next_offset);
                        }
                    }
                    publishing.finish().await;
                    publishing.0 = Some(self.pass_on(applied, &portion, &holds));
                }
                Outcome::Abandoned => {
                    if self.stop.is_cancelled() {
                        return Ok(true);
                    }
                }
                Outcome::Stale(failure) => {
                    // The poller is gone only where the consumer is being stopped.
                    self.commands.send(Command::Rejoin(failure.text)).ok();
                    return Ok(false);
                }
                Outcome::Refused(failure) => {
                    if !portion.is_apart()
                        && let Some(overfull) = self.take_out(&mut portion).await?
                    {
                        left.extend([portion, overfull]);
                        continue;
                    }
                    match portion.split() {
                        Split::Before(later) => left.extend([later, portion]),
                        Split::One(record, event) => {
                            if overfull_events.len() >= OVERFULL_EVENTS {
                                overfull_events.clear();
                            }
                            overfull_events.insert(event);
                            refused.push((record, Rejection::new(Code::NotApplicable, failure.text)));
                            left.push(portion);
                        }
                        Split::Nothing => return Err(Failure { kind: ErrorKind::Fatal, ..failure }),
                    }
                }
            }
        }
        Ok(true)
    }

    /// Applies the portion, however long that takes.
    async fn apply(&self, portion: &mut Portion, holds: &Holds) -> Result<Outcome, Failure> {
        let mut patience = self.patience("apply");
        loop {
            portion.keep(holds);
            portion.expect(holds);
            let Some(cluster_id) = self.cluster_id.get().filter(|_| !portion.is_done()) else {
                return Ok(Outcome::Abandoned);
            };
            let begun = Instant::now();
            fault::pass(Boundary::BeforeApply);
            let traced = trace::begin(portion.records());
            match self.store.apply(cluster_id, portion.batch()).instrument(traced.work.clone()).await {
                Ok(applied) => {
                    metrics::applied(&applied, portion.batch().messages.len(), begun.elapsed());
                    patience.worked();
                    return Ok(Outcome::Applied(applied));
                }
                Err(failure) => match failure.kind {
                    ErrorKind::Data => {
                        patience.worked();
                        return Ok(Outcome::Refused(failure));
                    }
                    ErrorKind::Stale => return Ok(Outcome::Stale(failure)),
                    ErrorKind::Fatal => return Err(failure),
                    ErrorKind::Transient => {
                        if !patience.wait(&failure.text).await {
                            return Ok(Outcome::Abandoned);
                        }
                    }
                },
            }
        }
    }

    /// Of a portion that was refused, what is about events whose counters are full: the rest need not be tried piece by
    /// piece. That the database is away is no reason to wait, only to go on without this.
    async fn take_out(&self, portion: &mut Portion) -> Result<Option<Portion>, Failure> {
        match self.store.overfull(portion.batch()).await {
            Ok(events) => Ok(portion.take_out(&events)),
            Err(failure) if failure.kind == ErrorKind::Fatal => Err(failure),
            Err(_) => Ok(None),
        }
    }

    /// What follows a commit, in this order: Kafka's position lags behind publication, so that what was not published is
    /// read again. Where it can't be published now, the next batch doesn't wait for it, but Kafka's position does.
    fn pass_on(&self, applied: Applied, portion: &Portion, holds: &Arc<Holds>) -> JoinHandle<()> {
        let positions: Vec<Position> = portion.batch().positions.clone();
        // The poller is gone only where the consumer is being stopped.
        self.commands.send(Command::Applied(positions.clone())).ok();
        let (store, commands, stop) = (self.store.clone(), self.commands.clone(), self.stop.clone());
        // No partition is given up in between.
        let holds = Arc::clone(holds);
        tokio::spawn(async move {
            fault::pass(Boundary::BeforePublication);
            if store.publish(&applied.commits).await {
                fault::pass(Boundary::AfterPublication);
                commands.send(Command::Commit(positions)).ok();
            } else {
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = store.published() => {
                            commands.send(Command::Commit(positions)).ok();
                        }
                    }
                });
            }
            drop(holds);
        })
    }

    /// Sends a dead letter, however long that takes; `false` where it was given up, with its partition or with the
    /// consumer.
    async fn dead_letter(&self, record: &Record, rejection: &Rejection, holds: &Holds) -> bool {
        let mut patience = self.patience("dead letter");
        let key = (record.topic.clone(), record.partition);
        loop {
            if holds.get(&key).is_none_or(super::lease::Hold::revoked) {
                return false;
            }
            match self.dead_letters.dead_letter(record, rejection, self.store.now()).await {
                Ok(()) => break,
                Err(fault) => {
                    if !patience.wait(&format!("the dead-letter topic takes nothing: {fault}")).await {
                        return false;
                    }
                }
            }
        }
        patience.worked();
        metrics::dead_lettered(&record.topic, rejection.code);
        tracing::warn!(
            topic = record.topic.as_ref(),
            partition = record.partition,
            offset = record.offset,
            code = rejection.code.as_str(),
            "dead-lettered: {}",
            rejection.message
        );
        true
    }

    fn patience(&self, what: &'static str) -> Patience {
        Patience::new(what, Backoff::new(self.seed), self.monitor.clone(), self.stop.clone())
    }
}
