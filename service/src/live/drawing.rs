//! What is followed by many is read once for all of them.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::hub::{Change, Follower, Topic};
use crate::{Error, Service};

/// Numbers states, rising, each once in a process.
#[derive(Clone, Debug)]
pub(super) struct Numbers(Arc<AtomicU64>);

impl Numbers {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// What can be drawn for those who follow it.
pub(super) trait Scene: Send + 'static {
    /// A state of it.
    type Picture: Clone + Send + Sync + 'static;

    /// Reads what may have changed since the look before. `None` where nothing has; else the new state, which gets that
    /// number.
    fn look(
        &mut self,
        change: &Change,
        number: u64,
    ) -> impl Future<Output = Result<Option<Self::Picture>, Error>> + Send;

    /// When it changes though nobody writes.
    fn changes_at(&self) -> Option<DateTime<Utc>> {
        None
    }
}

/// A state, and since when it is shown.
#[derive(Clone, Debug)]
pub(super) struct Look<P> {
    pub(super) picture: P,
    pub(super) number: u64,
    pub(super) shown_at: Instant,
    /// Since when its followers could have been told of it: the earliest commit that it is the first to show, or when
    /// their interval allowed another look, if that is later. `None` where no commit is known to have made it.
    pub(super) due_at: Option<Instant>,
}

/// Something that is being drawn. When the last who look at it are gone, drawing ends.
#[derive(Debug)]
struct Drawing<P> {
    look: watch::Receiver<Option<Look<P>>>,
    /// How many requests the look answers.
    answered: watch::Receiver<u64>,
    requests: Arc<AtomicU64>,
    requested: Arc<Notify>,
    ended: CancellationToken,
}

impl<P> Drop for Drawing<P> {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

type Drawings<K, P> = HashMap<(K, Duration), Weak<Drawing<P>>>;

/// The drawings of one kind in this process, each with how long it leaves between two looks at least.
#[derive(Debug)]
pub(super) struct Gallery<K, P> {
    drawings: Mutex<Drawings<K, P>>,
    numbers: Numbers,
}

impl<K, P> Gallery<K, P> {
    pub(super) fn new(numbers: &Numbers) -> Self {
        Self { drawings: Mutex::default(), numbers: numbers.clone() }
    }
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1)))
    }
}

/// One follower's look at a drawing.
#[derive(Debug)]
pub(super) struct Viewing<P> {
    drawing: Arc<Drawing<P>>,
    look: watch::Receiver<Option<Look<P>>>,
    began: bool,
}

/// It can't be drawn any more; the log says why.
#[derive(Debug)]
pub(super) struct Lost;

impl<K: Clone + Eq + Hash, P: Clone + Send + Sync + 'static> Gallery<K, P> {
    /// Joins those who look at `key`, or begins to draw it. Viewers of the same thing at another pace have a drawing of
    /// their own, so that nobody makes the database answer more often than they asked for themselves.
    pub(super) fn view<S: Scene<Picture = P>>(
        &self,
        service: &Arc<Service>,
        key: &K,
        topic: impl FnOnce() -> Topic,
        pace: Duration,
        scene: impl FnOnce() -> S,
    ) -> Viewing<P> {
        let key = (key.clone(), pace);
        let mut drawings = self.drawings.lock().unwrap_or_else(PoisonError::into_inner);
        let drawing = drawings.get(&key).and_then(Weak::upgrade).filter(|drawing| !drawing.is_lost());
        let drawing = drawing.unwrap_or_else(|| {
            // Before it grows, those that have ended make room.
            if drawings.len() == drawings.capacity() {
                drawings.retain(|_, drawing| drawing.strong_count() > 0);
            }
            let (show, look) = watch::channel(None);
            let (answer, answered) = watch::channel(0);
            let drawing = Arc::new(Drawing {
                look,
                answered,
                requests: Arc::default(),
                requested: Arc::default(),
                ended: CancellationToken::new(),
            });
            let artist = Artist {
                scene: scene(),
                // It hears of every commit before the first look.
                follower: service.hub().follow(topic()),
                service: Arc::clone(service),
                pace,
                numbers: self.numbers.clone(),
                requests: Arc::clone(&drawing.requests),
                requested: Arc::clone(&drawing.requested),
                show,
                answer,
            };
            let ended = drawing.ended.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = ended.cancelled() => {}
                    Err(error) = artist.draw() => tracing::error!(%error, "a live stream can't be read"),
                }
            });
            drawings.insert(key, Arc::downgrade(&drawing));
            drawing
        });
        let look = drawing.look.clone();
        Viewing { drawing, look, began: false }
    }
}

impl<P> Drawing<P> {
    fn is_lost(&self) -> bool {
        self.answered.has_changed().is_err()
    }
}

impl<P: Clone> Viewing<P> {
    /// Waits until there is something to look at: the first time until it was read after the viewer came, then until it
    /// has changed since the viewer looked.
    pub(super) async fn wait(&mut self) -> Result<(), Lost> {
        if self.began {
            return self.look.changed().await.map_err(|_| Lost);
        }
        let request = self.drawing.requests.fetch_add(1, Ordering::SeqCst) + 1;
        self.drawing.requested.notify_one();
        let mut answered = self.drawing.answered.clone();
        answered.wait_for(|answered| *answered >= request).await.map_err(|_| Lost)?;
        self.began = true;
        Ok(())
    }

    /// The latest state.
    pub(super) fn look(&mut self) -> Result<Look<P>, Lost> {
        self.look.borrow_and_update().clone().ok_or(Lost)
    }
}

/// Draws one thing.
struct Artist<S: Scene> {
    scene: S,
    follower: Follower,
    service: Arc<Service>,
    pace: Duration,
    numbers: Numbers,
    requests: Arc<AtomicU64>,
    requested: Arc<Notify>,
    show: watch::Sender<Option<Look<S::Picture>>>,
    answer: watch::Sender<u64>,
}

impl<S: Scene> Artist<S> {
    /// Draws for ever.
    async fn draw(mut self) -> Result<(), Error> {
        let mut change = Change::unknown();
        // When another look is allowed.
        let mut next = Instant::now();
        loop {
            // Counted before reading: whoever asked until now is answered by what is read from now on.
            let answers = self.requests.load(Ordering::SeqCst);
            let number = self.numbers.next();
            let began = Instant::now();
            if let Some(picture) = self.scene.look(&change, number).await? {
                let shown_at = Instant::now();
                let due_at = change.since.map(|since| since.max(next.min(began)));
                self.show.send_replace(Some(Look { picture, number, shown_at, due_at }));
            }
            next = Instant::now() + self.pace;
            self.answer.send_replace(answers);
            let until = self
                .scene
                .changes_at()
                .map(|at| (at - self.service.clock().now()).to_std().unwrap_or_default());
            change = Change::default();
            tokio::select! {
                heard = self.follower.changed() => {
                    change.merge(heard);
                    // Who comes anew need not wait.
                    tokio::select! {
                        () = sleep_until(next) => {}
                        () = self.requested.notified() => {}
                    }
                }
                () = self.requested.notified() => {}
                () = sleep(until.unwrap_or(Duration::MAX)) => {}
            }
            // What came in together is drawn together.
            if let Some(more) = self.follower.take() {
                change.merge(more);
            }
        }
    }
}
