//! Recomputing the tables from Kafka's beginning, while consumers go on.
//!
//! The messages up to the stored positions are applied anew, to fresh tables. Then all events are compared. An event that
//! no message touches meanwhile can be judged at leisure; those that differ, and those that were touched, are judged
//! again while the writers wait and the fresh tables stand exactly where the live ones do. Only those rows are replaced.

mod catch_up;
mod source;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use rdkafka::error::KafkaError;
use service::{
    ErrorKind, Service, Upkeep,
    domain::EventId,
    ingest::Commit,
    rebuild::{Difference, Held, Rebuild},
};
use tokio_util::sync::CancellationToken;

use self::{catch_up::CatchUp, source::Source};
use crate::{
    Error, Settings,
    store::{Failure, Partition},
};

/// Events compared at a time.
const EVENTS: usize = 50;
/// The writers wait while so many messages are applied, or a few more.
const CLOSE: u64 = 1_000;
/// How often it is tried to come so close while messages keep arriving.
const ROUNDS: usize = 10;
/// How often it is tried to make the writers wait.
const TRIES: usize = 3;
/// Differences that are kept to be told; all are counted.
const TOLD: usize = 10_000;
/// How long caches and subscribers may take to be told.
const TELL_WITHIN: Duration = Duration::from_secs(10);

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Only this event; else all.
    pub event: Option<EventId>,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// Whether to go on where Kafka no longer has all messages. Then an event is repaired only where that takes nothing
    /// away: no count is lowered, no row removed, no description replaced by an older one.
    pub partial: bool,
}

/// What was found and done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages that were applied anew.
    pub messages: u64,
    /// Where the tables were not what they should be, by event and table: the first ten thousand.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub difference_count: u64,
    /// Events that differed and are right now; with a dry run: that would be.
    pub repaired: u64,
    /// Events that differ and were left as they are, because Kafka no longer has all their messages.
    pub kept: Vec<EventId>,
    /// Whether caches and subscribers know.
    pub told: bool,
}

/// Follows how far it is.
pub trait Progress: Send {
    /// So many messages are to be read, or so many more.
    fn reading(&mut self, more: u64);
    /// So many were.
    fn read(&mut self, messages: u64);
    /// So many events are to be compared.
    fn comparing(&mut self, events: u64);
    /// So many were.
    fn compared(&mut self, events: u64);
}

/// Why the tables could not be rebuilt. Nothing was changed, except perhaps where the database was lost at the very end.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// Kafka, or a setting.
    #[error(transparent)]
    Consumer(Error),
    /// The database.
    #[error("{0}")]
    Store(Failure),
    /// One at a time.
    #[error("another process rebuilds the tables or keeps the house: try again when it is done")]
    Busy,
    /// Messages are gone.
    #[error(
        "{0}: rebuilding would lose what was counted from messages that are gone; --partial repairs only what it can't lose"
    )]
    Incomplete(String),
    /// A broker is away, or a topic was made anew while no consumer was there to notice.
    #[error(
        "Kafka has had nothing to read for 30 s, though the tables hold more: look after the brokers and the consumer"
    )]
    Silent,
    /// Offsets of one generation say nothing of another's.
    #[error("a topic was made anew or cut meanwhile: try again when the consumer has read on")]
    Moved,
    /// Neither stored nor in Kafka.
    #[error("there is no event {0}, neither in the tables nor in Kafka")]
    NoSuchEvent(EventId),
    /// Asked to stop.
    #[error("it was stopped; nothing was changed")]
    Stopped,
}

impl From<Error> for RebuildError {
    fn from(error: Error) -> Self {
        match error {
            Error::Kafka(KafkaError::NoMessageReceived) => Self::Silent,
            other => Self::Consumer(other),
        }
    }
}

impl From<service::Error> for RebuildError {
    fn from(error: service::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Rebuilds. `database` holds the settings that `live` was made with, `upkeep` those of the consumer.
///
/// # Errors
/// [`RebuildError`].
pub async fn rebuild(
    live: Arc<Service>,
    database: &service::Settings,
    settings: &Settings,
    upkeep: &Upkeep,
    plan: &Plan,
    progress: &mut impl Progress,
    stop: &CancellationToken,
) -> Result<Summary, RebuildError> {
    settings.check()?;
    let source = Source::open(settings.clone()).await?;
    let rebuild = Rebuild::begin(Arc::clone(&live), database, upkeep).await?.ok_or(RebuildError::Busy)?;
    let work = Work { live: &live, rebuild: &rebuild, source: &source, plan };
    let outcome = stop.run_until_cancelled(work.run(progress)).await.unwrap_or(Err(RebuildError::Stopped));
    // From here on it is not stopped: what is committed has to be told.
    let outcome = match outcome {
        Ok(settled) => settled.end(plan.dry_run).await,
        Err(error) => Err(error),
    };
    if let Err(error) = rebuild.finish().await {
        tracing::warn!(error = %Failure::from(error), "the fresh tables are left to the next rebuild");
    }
    let (mut summary, commits) = outcome?;
    summary.told = commits.is_empty() || tell(&live, &commits).await;
    Ok(summary)
}

/// All is judged and repaired, and the writers still wait.
struct Settled {
    held: Held,
    summary: Summary,
    commits: Vec<Commit>,
}

impl Settled {
    async fn end(self, dry_run: bool) -> Result<(Summary, Vec<Commit>), RebuildError> {
        if dry_run {
            self.held.roll_back().await?;
        } else {
            self.held.commit().await?;
        }
        Ok((self.summary, self.commits))
    }
}

/// What is committed counts even where it can't be told in time.
async fn tell(live: &Arc<Service>, commits: &[Commit]) -> bool {
    live.publish(commits).await || tokio::time::timeout(TELL_WITHIN, live.published()).await.is_ok()
}

struct Work<'a> {
    live: &'a Arc<Service>,
    rebuild: &'a Rebuild,
    source: &'a Source,
    plan: &'a Plan,
}

impl Work<'_> {
    async fn run(&self, progress: &mut impl Progress) -> Result<Settled, RebuildError> {
        match self.why_incomplete().await? {
            Some(reason) if !self.plan.partial => return Err(RebuildError::Incomplete(reason)),
            Some(reason) => tracing::warn!("{reason}: only what can't be lost is repaired"),
            None => {}
        }
        let mut catch_up = CatchUp::new(self.source, self.rebuild.fresh(), self.plan.event.as_ref());
        self.come_close(&mut catch_up, progress).await?;
        catch_up.forget_touched();
        let candidates = self.candidates(progress).await?;
        self.come_close(&mut catch_up, progress).await?;
        let mut tries = 1;
        loop {
            match self.settle(&mut catch_up, &candidates, progress).await {
                Err(RebuildError::Store(failure))
                    if failure.kind == ErrorKind::Transient && tries < TRIES =>
                {
                    tries += 1;
                    tracing::warn!("trying again: {failure}");
                }
                outcome => return outcome,
            }
        }
    }

    /// Why the messages that Kafka has don't make up what the tables hold; `None` where they do.
    async fn why_incomplete(&self) -> Result<Option<String>, RebuildError> {
        let elsewhere =
            self.rebuild.has_other_sources(self.source.cluster_id(), &self.source.topics()).await?;
        Ok(self.source.why_incomplete().or_else(|| {
            let what = "the tables also hold what came from other topics, another cluster or topics that were made anew";
            elsewhere.then(|| what.to_owned())
        }))
    }

    /// Reads until the consumers are hardly ahead.
    async fn come_close(
        &self,
        catch_up: &mut CatchUp<'_>,
        progress: &mut impl Progress,
    ) -> Result<(), RebuildError> {
        for _ in 0..ROUNDS {
            let places = self.live.positions(self.source.cluster_id(), &self.source.partitions()).await?;
            let positions =
                places.into_iter().map(|(partition, place)| (partition, place.next_offset)).collect();
            if catch_up.behind(&positions)? <= CLOSE && catch_up.has_read() {
                break;
            }
            catch_up.read_to(&positions, progress).await?;
        }
        Ok(())
    }

    /// The events that differ, but for those that messages touch meanwhile.
    async fn candidates(&self, progress: &mut impl Progress) -> Result<BTreeSet<EventId>, RebuildError> {
        if let Some(event) = &self.plan.event {
            return Ok(BTreeSet::from([event.clone()]));
        }
        progress.comparing(self.rebuild.count_events().await?);
        let mut candidates = BTreeSet::new();
        let mut last: Option<EventId> = None;
        loop {
            let events = self.rebuild.events_after(last.as_ref(), EVENTS).await?;
            let Some(end) = events.last() else { return Ok(candidates) };
            last = Some(end.clone());
            let differences = self.rebuild.differences(&events).await?;
            candidates.extend(differences.into_iter().map(|difference| difference.event_id));
            progress.compared(events.len() as u64);
        }
    }

    /// Judges and repairs while the writers wait.
    async fn settle(
        &self,
        catch_up: &mut CatchUp<'_>,
        candidates: &BTreeSet<EventId>,
        progress: &mut impl Progress,
    ) -> Result<Settled, RebuildError> {
        let mut held = self.rebuild.hold().await?;
        if !self.plan.partial && self.why_incomplete().await?.is_some() {
            return Err(RebuildError::Moved);
        }
        let positions: HashMap<Partition, i64> = held.positions(self.source.cluster_id()).await?;
        catch_up.read_to(&positions, progress).await?;
        let mut summary = Summary { messages: catch_up.messages(), ..Summary::default() };
        let judged: Vec<EventId> = candidates.union(catch_up.touched()).cloned().collect();
        let mut commits = Vec::new();
        for events in judged.chunks(EVENTS) {
            self.judge(&mut held, events, &mut summary, &mut commits).await?;
        }
        if let Some(event) = &self.plan.event
            && summary.difference_count == 0
            && !self.rebuild.knows(event).await?
        {
            return Err(RebuildError::NoSuchEvent(event.clone()));
        }
        Ok(Settled { held, summary, commits })
    }

    async fn judge(
        &self,
        held: &mut Held,
        events: &[EventId],
        summary: &mut Summary,
        commits: &mut Vec<Commit>,
    ) -> Result<(), RebuildError> {
        let differences = held.differences(events).await?;
        let differing: BTreeSet<&EventId> =
            differences.iter().map(|difference| &difference.event_id).collect();
        let losing: BTreeSet<&EventId> = differences
            .iter()
            .filter(|difference| self.plan.partial && difference.takes_away())
            .map(|difference| &difference.event_id)
            .collect();
        let right: Vec<EventId> = differing.difference(&losing).map(|event| (*event).clone()).collect();
        summary.repaired += right.len() as u64;
        summary.kept.extend(losing.into_iter().cloned());
        summary.difference_count += differences.len() as u64;
        let room = TOLD - summary.differences.len();
        summary.differences.extend(differences.iter().take(room).cloned());
        if !self.plan.dry_run && !right.is_empty() {
            commits.extend(held.repair(&right, summary.messages.cast_signed()).await?);
        }
        Ok(())
    }
}
