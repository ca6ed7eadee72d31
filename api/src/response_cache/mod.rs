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
use metrics::{Counter, counter};
use quick_cache::{Weighter, sync::Cache};
use service::{Holds, Service, by_bytes, domain::Viewer};
use tokio::{sync::watch, time::Instant};

pub(crate) use self::{
    finished::{Encoding, Finished},
    turn::Turn,
};
use crate::execution::{Method, Rendered};

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
    made_at: Instant,
}

/// Counts a lookup. The counter is found once: that takes longer than the lookup.
macro_rules! looked_up {
    ($outcome:literal) => {{
        static COUNTER: LazyLock<Counter> = LazyLock::new(|| lookups($outcome));
        COUNTER.increment(1);
    }};
}

fn lookups(outcome: &'static str) -> Counter {
    counter!("pulsegate_cache_lookups_total", "level" => "response", "outcome" => outcome)
}

#[derive(Clone)]
struct Weight;

impl Weighter<Question, Arc<Kept>> for Weight {
    /// Bytes, with the same again for the compressed forms.
    fn weight(&self, question: &Question, kept: &Arc<Kept>) -> u64 {
        (question.text.len() + 2 * kept.body.plain().len() + ENTRY) as u64
    }
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
    kept: Cache<Question, Arc<Kept>, Weight>,
    underway: Mutex<HashMap<Question, Maker>>,
}

/// Whoever makes an answer. Says it when it is done, to those who began to wait before it began; is gone without a word
/// where there is nothing that others may be told.
type Maker = watch::Receiver<Option<Arc<Kept>>>;

impl ResponseCache {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service, kept: by_bytes(CAPACITY, Weight), underway: Mutex::default() }
    }

    fn current(&self, question: &Question) -> Option<Arc<Kept>> {
        let kept = self.kept.get(question)?;
        (self.service.still_holds(&kept.holds) && kept.made_at.elapsed() < TTL).then_some(kept)
    }

    /// The answer, if there is one that holds.
    pub(crate) fn kept(&self, question: &Question) -> Option<Arc<Kept>> {
        self.current(question).inspect(|_| looked_up!("hit"))
    }

    /// The answer, if there is one that holds. Of those who ask the same at the same time, one makes it and the others
    /// wait for it. Where it holds no longer by then, or nothing is kept, one of those who waited makes the next for all of
    /// them: what is read for it is read after each of them asked.
    pub(crate) async fn look(&self, question: Question) -> Look<'_> {
        if let Some(kept) = self.current(&question) {
            looked_up!("hit");
            return Look::Kept(kept);
        }
        let earlier = match self.begin(&question) {
            Ok(turn) => return Look::Missing(turn),
            Err(maker) => maker,
        };
        let told = said(earlier).await;
        if let Some(kept) = self.current(&question) {
            looked_up!("shared");
            return Look::Kept(kept);
        }
        // Something that changes, that fails, or that each is to be told for themselves: no reason to wait once more.
        if told.is_none() {
            looked_up!("miss");
            return Look::Missing(Turn::alone(self, question));
        }
        // What was told was begun before this one asked, so it may be older than what the client has seen.
        match self.begin(&question) {
            Ok(turn) => Look::Missing(turn),
            Err(maker) => {
                if let Some(answer) = said(maker).await {
                    looked_up!("shared");
                    return Look::Kept(answer);
                }
                looked_up!("miss");
                Look::Missing(Turn::alone(self, question))
            }
        }
    }

    /// The turn to make the answer; or, where somebody is at it, who.
    fn begin(&self, question: &Question) -> Result<Turn<'_>, Maker> {
        let mut underway = self.underway.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(maker) = underway.get(question) {
            return Err(maker.clone());
        }
        let (done, maker) = watch::channel(None);
        underway.insert(question.clone(), maker);
        looked_up!("miss");
        Ok(Turn::for_all(self, question.clone(), done))
    }

    /// Takes an answer in that others who ask the same may be given.
    fn keep(&self, question: &Question, rendered: &mut Rendered) -> Option<Arc<Kept>> {
        let (holds, bill) = (rendered.holds.take()?, rendered.bill.as_ref()?);
        let cost = usize::try_from(bill.charge.cost).ok()?;
        let body = Arc::clone(&rendered.body);
        let recalls = rendered.recalls.clone();
        let kept = Arc::new(Kept { body, cost, recalls, holds, made_at: Instant::now() });
        if self.service.still_holds(&kept.holds) {
            // The text may be a part of a larger buffer.
            let text = Bytes::copy_from_slice(&question.text);
            self.kept.insert(Question { text, ..question.clone() }, Arc::clone(&kept));
        }
        Some(kept)
    }

    fn done(&self, question: &Question) {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner).remove(question);
    }
}

/// Waits until the answer is made, or given up.
async fn said(mut maker: Maker) -> Option<Arc<Kept>> {
    maker.changed().await.ok()?;
    maker.borrow().clone()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use service::{Settings, clock::SystemClock};

    use super::*;
    use crate::{
        budget::{Bill, Charge},
        execution::Outcome,
    };

    /// Without a database nothing is heard of commits, and so nothing is kept.
    fn keeps_nothing() -> ResponseCache {
        let settings = Settings {
            database_url: "postgres://nobody@127.0.0.1:1/nothing".to_owned(),
            database_read_url: None,
            redis_url: None,
            cache: true,
            pool_size: 1,
            acquire_timeout: Duration::from_millis(10),
            statement_timeout: Duration::from_secs(1),
        };
        ResponseCache::new(Service::new(&settings, Arc::new(SystemClock)).unwrap())
    }

    fn question() -> Question {
        Question { viewer: Viewer::Open, by: Method::Any, text: Bytes::from_static(b"{}") }
    }

    fn rendered(text: &str) -> Rendered {
        let charge = Charge {
            limit: 1,
            cost: 1,
            remaining: 0,
            resets_in: Duration::ZERO,
            reset_at: chrono::DateTime::UNIX_EPOCH,
            is_budgeted: false,
        };
        Rendered {
            body: Arc::new(Finished::from(text.as_bytes().to_vec())),
            outcome: Outcome::Complete,
            bill: Some(Bill { charge, retry_in: None }),
            holds: Some(Holds::default()),
            recalls: Counter::noop(),
        }
    }

    fn missing(look: Look<'_>) -> Turn<'_> {
        match look {
            Look::Missing(turn) => turn,
            Look::Kept(kept) => panic!("was told {:?}", kept.body),
        }
    }

    #[tokio::test]
    async fn what_was_begun_before_somebody_asked_is_no_answer_to_them() {
        let cache = keeps_nothing();
        let first = missing(cache.look(question()).await);
        let (mut second, mut third) = (pin!(cache.look(question())), pin!(cache.look(question())));
        assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        first.keep(&mut rendered("first"));
        let second = missing(second.await);
        let mut fourth = pin!(cache.look(question()));
        assert!(poll!(&mut third).is_pending() && poll!(&mut fourth).is_pending());
        second.keep(&mut rendered("second"));
        let Look::Kept(told) = third.await else { panic!("had to make it as well") };
        assert_eq!(told.body.plain(), "second");
        missing(fourth.await).keep(&mut rendered("third"));
        assert!(cache.underway.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_only_one_may_be_told_everybody_makes() {
        let cache = keeps_nothing();
        let first = missing(cache.look(question()).await);
        let (mut second, mut third) = (pin!(cache.look(question())), pin!(cache.look(question())));
        assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        first.keep(&mut Rendered { holds: None, ..rendered("first") });
        let (second, third) = (missing(second.await), missing(third.await));
        drop((second, third));
        let giving_up = missing(cache.look(question()).await);
        let mut waiting = pin!(cache.look(question()));
        assert!(poll!(&mut waiting).is_pending());
        drop(giving_up);
        drop(missing(waiting.await));
        assert!(cache.underway.lock().unwrap().is_empty());
    }
}
