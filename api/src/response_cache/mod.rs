//! Finished answers, kept as bytes for as long as they hold.
//!
//! The key is the request as it came, byte by byte, and who asks: a hit costs no parsing, no validation, no resolving and
//! no writing. What ends an answer is a commit that touches anything it was made of, as the [`service::Holds`] beside it
//! says, or its own time; so it is right to the commit, as far as this process has heard.

mod finished;
mod turn;

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use foldhash::quality::RandomState;
use metrics::{Counter, counter};
use moka::sync::Cache;
use service::{Holds, Service, domain::Viewer};
use tokio::sync::watch;

pub(crate) use self::{
    finished::{Encoding, Finished},
    turn::Turn,
};
use crate::{
    execution::{Method, Rendered},
    telemetry,
};

/// Bytes of requests and answers at most.
const CAPACITY: u64 = 32 << 20;
/// What an entry takes beside its texts.
const ENTRY: usize = 512;
/// As in the levels below.
const TTL: Duration = Duration::from_secs(3600);

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) viewer: Viewer,
    pub(crate) by: Method,
    /// The query string or the body.
    pub(crate) text: Bytes,
}

/// An answer that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) body: Arc<Finished>,
    /// What the operation costs whoever asks.
    pub(crate) cost: usize,
    /// Counts how often the operation was answered.
    pub(crate) recalls: Counter,
    holds: Holds,
}

/// What is known of a question.
pub(crate) enum Look<'a> {
    /// The answer.
    Kept(Arc<Kept>),
    /// Nothing: it is for the caller to make the answer.
    Missing(Turn<'a>),
}

/// The answers of one gateway.
pub(crate) struct ResponseCache {
    service: Arc<Service>,
    kept: Cache<Question, Arc<Kept>, RandomState>,
    underway: Mutex<HashMap<Question, watch::Receiver<()>>>,
}

impl ResponseCache {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        let weight = |question: &Question, kept: &Arc<Kept>| {
            // The same again for its compressed forms.
            let bytes = question.text.len() + 2 * kept.body.plain().len() + ENTRY;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            service,
            // Questions are long, and are hashed whole each time.
            kept: Cache::builder()
                .weigher(weight)
                .max_capacity(CAPACITY)
                .time_to_live(TTL)
                .build_with_hasher(RandomState::default()),
            underway: Mutex::default(),
        }
    }

    fn current(&self, question: &Question) -> Option<Arc<Kept>> {
        self.kept.get(question).filter(|kept| self.service.still_holds(&kept.holds))
    }

    /// The answer, if there is one that holds.
    pub(crate) fn kept(&self, question: &Question) -> Option<Arc<Kept>> {
        self.current(question).inspect(|_| hit())
    }

    /// The answer, if there is one that holds. Of those who ask the same at the same time, one makes it and the others
    /// wait for it, once.
    pub(crate) async fn look(&self, question: Question) -> Look<'_> {
        if let Some(kept) = self.current(&question) {
            hit();
            return Look::Kept(kept);
        }
        let mut maker = match self.begin(&question) {
            Ok(turn) => return Look::Missing(turn),
            Err(maker) => maker,
        };
        // It never sends; it is gone when it is done, or gave up.
        let _ = maker.changed().await;
        if let Some(kept) = self.current(&question) {
            looked_up("shared");
            return Look::Kept(kept);
        }
        looked_up("miss");
        Look::Missing(Turn::late(self, question))
    }

    /// The first one's turn; or, where somebody is at it, what tells when they are done.
    fn begin(&self, question: &Question) -> Result<Turn<'_>, watch::Receiver<()>> {
        let mut underway = self.underway.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(maker) = underway.get(question) {
            return Err(maker.clone());
        }
        let (done, maker) = watch::channel(());
        underway.insert(question.clone(), maker);
        looked_up("miss");
        Ok(Turn::first(self, question.clone(), done))
    }

    fn keep(&self, question: &Question, rendered: &mut Rendered) {
        let (Some(holds), Some(bill)) = (rendered.holds.take(), &rendered.bill) else { return };
        let Ok(cost) = usize::try_from(bill.charge.cost) else { return };
        // The text may be a part of a larger buffer.
        let text = Bytes::copy_from_slice(&question.text);
        let body = Arc::clone(&rendered.body);
        let recalls = telemetry::recalls(rendered.name.take().as_deref());
        self.kept
            .insert(Question { text, ..question.clone() }, Arc::new(Kept { body, cost, recalls, holds }));
    }

    fn done(&self, question: &Question) {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner).remove(question);
    }
}

fn hit() {
    static HITS: LazyLock<Counter> = LazyLock::new(|| lookups("hit"));
    HITS.increment(1);
}

fn looked_up(outcome: &'static str) {
    lookups(outcome).increment(1);
}

fn lookups(outcome: &'static str) -> Counter {
    counter!("pulsegate_cache_lookups_total", "level" => "response", "outcome" => outcome)
}
