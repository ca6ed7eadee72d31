//! A store in memory that keeps the promises of the real one, and breaks down on demand.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use service::{
    ErrorKind,
    domain::EventId,
    ingest::{Applied, Batch, Commit, Message, Place, Position},
};
use tokio::sync::watch;

use crate::store::{Failure, Partition, Store};

#[derive(Default)]
pub(super) struct Inner {
    pub(super) positions: HashMap<Partition, Place>,
    pub(super) applied: Vec<Message>,
    pub(super) ids: HashSet<String>,
    pub(super) duplicates: usize,
    pub(super) replayed: usize,
    pub(super) resets: Vec<Position>,
    pub(super) published: usize,
    pub(super) batches: Vec<usize>,
    /// Events that the store refuses.
    pub(super) refused: HashSet<String>,
}

pub(super) struct Fake {
    inner: Mutex<Inner>,
    /// How many calls still fail, and how.
    failures: AtomicUsize,
    kind: Mutex<ErrorKind>,
    /// Nothing is applied while this is shut.
    gate: watch::Sender<bool>,
}

impl Fake {
    pub(super) fn new() -> Self {
        Self {
            inner: Mutex::default(),
            failures: AtomicUsize::new(0),
            kind: Mutex::new(ErrorKind::Transient),
            gate: watch::Sender::new(true),
        }
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(super) fn fail(&self, times: usize, kind: ErrorKind) {
        *self.kind.lock().unwrap() = kind;
        self.failures.store(times, Ordering::SeqCst);
    }

    pub(super) fn failures(&self) -> usize {
        self.failures.load(Ordering::SeqCst)
    }

    pub(super) fn open(&self, open: bool) {
        self.gate.send_replace(open);
    }

    /// Waits until that many messages had an effect.
    pub(super) async fn applied(&self, count: usize) {
        for _ in 0..3000 {
            if self.inner().applied.len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("only {} of {count} messages were applied", self.inner().applied.len());
    }

    fn tried(&self) -> Result<(), Failure> {
        let failing =
            self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failing.is_ok() {
            return Err(Failure { kind: *self.kind.lock().unwrap(), text: "told to fail".to_owned() });
        }
        Ok(())
    }
}

impl Store for Arc<Fake> {
    fn now(&self) -> DateTime<Utc> {
        "2026-01-05T00:00:00Z".parse().unwrap()
    }

    async fn positions(&self, _: &str, of: &[Partition]) -> Result<HashMap<Partition, Place>, Failure> {
        self.tried()?;
        let positions = self.inner().positions.clone();
        Ok(of.iter().filter_map(|key| Some((key.clone(), *positions.get(key)?))).collect())
    }

    async fn reset_positions(&self, _: &str, to: &[Position]) -> Result<HashMap<Partition, Place>, Failure> {
        let mut inner = self.inner();
        for position in to {
            let partition = (position.topic.clone(), position.partition);
            let generation = inner.positions.get(&partition).map_or(0, |place| place.generation + 1);
            inner.positions.insert(partition, Place { generation, next_offset: position.next_offset });
            inner.resets.push(position.clone());
        }
        Ok(inner.positions.clone())
    }

    async fn apply(&self, _: &str, batch: &Batch) -> Result<Applied, Failure> {
        self.gate.subscribe().wait_for(|open| *open).await.unwrap();
        self.tried()?;
        let mut inner = self.inner();
        let below = |inner: &Inner, message: &Message| {
            let key = (message.topic.clone(), message.partition);
            inner.positions.get(&key).is_some_and(|place| message.offset < place.next_offset)
        };
        for (partition, expected) in &batch.expected {
            let stored = inner.positions.get(partition).copied().unwrap_or_default();
            if stored.generation != expected.generation || stored.next_offset < expected.next_offset {
                return Err(Failure { kind: ErrorKind::Stale, text: "it stands elsewhere".to_owned() });
            }
        }
        if batch.messages.iter().any(|message| {
            !below(&inner, message) && inner.refused.contains(message.fact.event_id().as_str())
        }) {
            return Err(Failure {
                kind: ErrorKind::Data,
                text: "a value does not fit its column".to_owned(),
            });
        }
        let mut applied = Applied::default();
        inner.batches.push(batch.messages.len());
        for message in &batch.messages {
            if below(&inner, message) {
                inner.replayed += 1;
                applied.replayed += 1;
            } else if inner.ids.insert(message.id()) {
                inner.applied.push(message.clone());
                applied.fresh += 1;
            } else {
                inner.duplicates += 1;
                applied.duplicates += 1;
            }
        }
        for position in &batch.positions {
            let stored = inner.positions.entry((position.topic.clone(), position.partition)).or_default();
            stored.next_offset = position.next_offset.max(stored.next_offset);
        }
        applied.commits = vec![Commit {
            event_id: EventId::parse("evt").unwrap(),
            owners: Vec::new(),
            revision: 1,
            changed_from: None,
            committed_at: None,
            delta: None,
        }];
        Ok(applied)
    }

    async fn overfull(&self, batch: &Batch) -> Result<HashSet<EventId>, Failure> {
        let inner = self.inner();
        let events = batch.messages.iter().map(|message| message.fact.event_id());
        Ok(events.filter(|event| inner.refused.contains(event.as_str())).cloned().collect())
    }

    async fn publish(&self, commits: &[Commit]) -> bool {
        self.inner().published += commits.len();
        true
    }

    async fn published(&self) {}
}
