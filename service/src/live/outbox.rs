//! What is committed but not yet told to the cache and to the other processes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    Service,
    cache::Source,
    domain::EventId,
    fault::{self, Boundary},
    ingest::Commit,
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One commit per event at most, so its size is bounded by the number of events.
#[derive(Default)]
pub(crate) struct Outbox {
    pending: Mutex<BTreeMap<EventId, Commit>>,
    /// One publication at a time: what is taken out must be told before what comes after it counts as told.
    turn: tokio::sync::Mutex<()>,
    retrying: std::sync::atomic::AtomicBool,
    emptied: tokio::sync::Notify,
}

impl Outbox {
    fn put(&self, commits: impl IntoIterator<Item = Commit>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for commit in commits {
            match pending.get_mut(&commit.event_id) {
                Some(known) => known.merge(commit),
                None => {
                    pending.insert(commit.event_id.clone(), commit);
                }
            }
        }
    }

    async fn is_empty(&self) -> bool {
        // What is being told is not told yet.
        let _turn = self.turn.lock().await;
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn take(&self) -> Vec<Commit> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *pending).into_values().collect()
    }
}

fn sources(commits: &[Commit]) -> Vec<Source> {
    let mut owners: Vec<_> = commits.iter().flat_map(|commit| commit.owners.iter().cloned()).collect();
    owners.sort_unstable();
    owners.dedup();
    let events = commits.iter().map(|commit| Source::Event(commit.event_id.clone()));
    events.chain(owners.into_iter().map(Source::User)).collect()
}

impl Service {
    /// Tells the cache, then everybody else, of commits. True where these and all before them have been told: only
    /// then may whoever applied them forget them. Else they are kept and told as soon as that is possible.
    pub async fn publish(self: &Arc<Self>, commits: &[Commit]) -> bool {
        self.outbox().put(commits.iter().cloned());
        if self.flush().await {
            return true;
        }
        if !self.outbox().retrying.swap(true, std::sync::atomic::Ordering::SeqCst) {
            let service = Arc::clone(self);
            tokio::spawn(async move {
                let mut pause = FIRST_PAUSE;
                loop {
                    tokio::time::sleep(pause).await;
                    if service.flush().await {
                        break;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                service.outbox().retrying.store(false, std::sync::atomic::Ordering::SeqCst);
            });
        }
        false
    }

    /// Waits until all commits so far have been told.
    pub async fn published(&self) {
        loop {
            let emptied = self.outbox().emptied.notified();
            if self.outbox().is_empty().await {
                return;
            }
            emptied.await;
        }
    }

    async fn flush(&self) -> bool {
        let _turn = self.outbox().turn.lock().await;
        let commits = self.outbox().take();
        if commits.is_empty() {
            return true;
        }
        let invalidated = self.cache().invalidate(&sources(&commits)).await.is_ok();
        fault::pass(Boundary::InPublication);
        let told = invalidated && self.announce(&commits).await.is_ok();
        // Followers in this process need no bus.
        self.deliver(&commits);
        if told {
            self.outbox().emptied.notify_waiters();
        } else {
            self.outbox().put(commits);
        }
        told
    }

    /// Takes commits in, of this process or of another: its cache first, then the followers. They may come more than once
    /// and in any order.
    pub(crate) fn deliver(&self, commits: &[Commit]) {
        if self.only_writes() {
            return;
        }
        let mut fresh = Vec::with_capacity(commits.len());
        for commit in commits.iter().filter(|commit| !self.hub().knows(commit)) {
            let sources = sources(std::slice::from_ref(commit));
            if self.cache().while_moving(&sources, || self.hub().note_commit(commit)) {
                fresh.push(commit);
            }
        }
        self.hub().tell(fresh, self.clock().now());
    }
}
