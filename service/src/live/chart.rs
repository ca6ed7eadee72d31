//! One chart, drawn once for all who look at it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    LiveTimelineSpec,
    hub::{Change, Follower, Topic},
    patience::patiently,
};
use crate::{
    Error, Service,
    domain::{Bucket, EventId, Viewer},
    read::EventEntry,
    timeline::{RangeError, RangeInput, Window, bucket_end, bucket_start, live_default},
};

/// What a chart shows.
#[derive(Clone, Debug)]
pub(super) enum Picture {
    /// The event is not there (yet, or no longer).
    Nothing,
    /// The event and its buckets.
    Shown(Arc<Frame>),
    /// What is stored does not fit the range that was asked for.
    Refused(RangeError),
}

/// A state of a chart.
#[derive(Debug)]
pub(super) struct Frame {
    /// The event, read before the buckets: they are at least as new.
    pub(super) event: Arc<EventEntry>,
    /// When it was read.
    pub(super) now: DateTime<Utc>,
    /// Counts the states of the chart.
    pub(super) number: u64,
    /// Each bucket of the window, and the state in which it last changed. So whoever has seen a state knows what is new
    /// since, however long ago that was, and nothing has to be kept for them.
    buckets: Vec<(u64, Bucket)>,
}

impl Frame {
    /// The buckets that changed after the state that was seen; all where none was.
    pub(super) fn since(&self, seen: Option<u64>) -> Vec<Bucket> {
        self.buckets
            .iter()
            .filter(|(changed, _)| seen.is_none_or(|seen| *changed > seen))
            .map(|(_, bucket)| *bucket)
            .collect()
    }
}

/// A look at a chart, and how many requests it answers.
#[derive(Debug)]
struct Look {
    picture: Picture,
    answers: u64,
}

/// A chart that is being drawn. When the last who look at it are gone, drawing ends.
#[derive(Debug)]
struct Drawing {
    look: watch::Receiver<Look>,
    requests: Arc<AtomicU64>,
    requested: Arc<Notify>,
    ended: CancellationToken,
}

impl Drop for Drawing {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

type Key = (EventId, LiveTimelineSpec);

/// The charts that are being drawn in this process.
#[derive(Debug, Default)]
pub(crate) struct Charts(Mutex<HashMap<Key, Weak<Drawing>>>);

/// One viewer's look at a chart.
#[derive(Debug)]
pub(super) struct Viewing {
    drawing: Arc<Drawing>,
    look: watch::Receiver<Look>,
    request: u64,
}

/// The chart can't be drawn any more; the log says why.
#[derive(Debug)]
pub(super) struct Lost;

impl Viewing {
    /// The chart as it is: the first time read after the viewer came, then after each change.
    pub(super) async fn next(&mut self) -> Result<Picture, Lost> {
        if self.request == 0 {
            self.request = self.drawing.requests.fetch_add(1, Ordering::SeqCst) + 1;
            self.drawing.requested.notify_one();
            let request = self.request;
            let look = self.look.wait_for(|look| look.answers >= request).await.map_err(|_| Lost)?;
            return Ok(look.picture.clone());
        }
        self.look.changed().await.map_err(|_| Lost)?;
        Ok(self.look.borrow_and_update().picture.clone())
    }
}

impl Service {
    /// Joins those who look at a chart, or begins to draw it.
    pub(super) fn view(self: &Arc<Self>, event_id: &EventId, spec: LiveTimelineSpec) -> Viewing {
        let key = (event_id.clone(), spec);
        let mut charts = self.charts().0.lock().unwrap_or_else(PoisonError::into_inner);
        let drawing = charts.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            charts.retain(|_, drawing| drawing.strong_count() > 0);
            let (show, look) = watch::channel(Look { picture: Picture::Nothing, answers: 0 });
            let drawing = Arc::new(Drawing {
                look,
                requests: Arc::default(),
                requested: Arc::default(),
                ended: CancellationToken::new(),
            });
            let artist = Artist {
                service: Arc::clone(self),
                // It hears of every commit before the first look.
                follower: self.hub().follow(Topic::Event(event_id.clone())),
                event_id: event_id.clone(),
                spec,
                requests: Arc::clone(&drawing.requests),
                requested: Arc::clone(&drawing.requested),
                show,
            };
            let ended = drawing.ended.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = ended.cancelled() => {}
                    Err(error) = artist.draw() => tracing::error!(%error, "a live chart can't be drawn"),
                }
            });
            charts.insert(key, Arc::downgrade(&drawing));
            drawing
        });
        let look = drawing.look.clone();
        Viewing { drawing, look, request: 0 }
    }
}

/// Draws one chart.
struct Artist {
    service: Arc<Service>,
    follower: Follower,
    event_id: EventId,
    spec: LiveTimelineSpec,
    requests: Arc<AtomicU64>,
    requested: Arc<Notify>,
    show: watch::Sender<Look>,
}

impl Artist {
    /// Draws for ever.
    async fn draw(self) -> Result<(), Error> {
        let mut shown: Option<Arc<Frame>> = None;
        let mut change = Change { resync: true, ..Change::default() };
        loop {
            // Counted before reading: whoever asked until now is answered by what is read from now on.
            let answers = self.requests.load(Ordering::SeqCst);
            let picture = self.look(shown.as_deref(), change).await?;
            let mut ends = None;
            shown = match &picture {
                Picture::Shown(frame) => {
                    ends = frame.buckets.last().filter(|(_, last)| last.end > frame.now).map(|_| {
                        let end = bucket_end(self.spec.granularity, self.spec.zone, frame.now);
                        (end - self.service.clock().now()).to_std().unwrap_or_default()
                    });
                    Some(Arc::clone(frame))
                }
                Picture::Nothing | Picture::Refused(_) => None,
            };
            change = Change { resync: shown.is_none(), ..Change::default() };
            self.show.send_replace(Look { picture, answers });
            tokio::select! {
                heard = self.follower.changed() => change.merge(heard),
                () = self.requested.notified() => {}
                () = sleep(ends.unwrap_or(Duration::MAX)) => {}
            }
            // What came in together is drawn together.
            if let Some(more) = self.follower.take() {
                change.merge(more);
            }
        }
    }

    /// Reads what may have changed since the frame before.
    async fn look(&self, before: Option<&Frame>, change: Change) -> Result<Picture, Error> {
        let Some(event) = patiently(|| self.service.event_now(&Viewer::Open, &self.event_id)).await? else {
            return Ok(Picture::Nothing);
        };
        let now = self.service.clock().now();
        let window = match patiently(|| self.window(now)).await? {
            Ok(window) => window,
            Err(refusal) => return Ok(Picture::Refused(refusal)),
        };
        let number = before.map_or(1, |before| before.number + 1);
        // A commit that was read before it was announced: what it changed is not known yet.
        let unheard =
            |before: &&Frame| event.event.revision - before.event.event.revision > i64::from(change.commits);
        let (kept, changed_from) = match before.filter(|before| !change.resync && !unheard(before)) {
            None => (Vec::new(), Some(window.from())),
            Some(before) => {
                let from = self.changed_from(before, &window, now, change);
                let kept = before.buckets.iter().copied().filter(|(_, bucket)| {
                    bucket.start >= window.from() && from.is_none_or(|from| bucket.start < from)
                });
                (kept.collect(), from)
            }
        };
        let mut buckets: Vec<(u64, Bucket)> = kept;
        if let Some(from) = changed_from {
            for bucket in patiently(|| self.buckets_from(&window, from)).await? {
                let same = before.and_then(|before| {
                    let place = before.buckets.binary_search_by_key(&bucket.start, |(_, known)| known.start);
                    let (changed, known) = before.buckets[place.ok()?];
                    // A bucket that is over now and was not is not the same.
                    (known == bucket && (known.end <= before.now) == (bucket.end <= now)).then_some(changed)
                });
                buckets.push((same.unwrap_or(number), bucket));
            }
        }
        Ok(Picture::Shown(Arc::new(Frame { event, now, number, buckets })))
    }

    /// The start of the first bucket that may differ from the frame before.
    fn changed_from(
        &self,
        before: &Frame,
        window: &Window,
        now: DateTime<Utc>,
        change: Change,
    ) -> Option<DateTime<Utc>> {
        let LiveTimelineSpec { granularity, zone, .. } = self.spec;
        let ended = (bucket_end(granularity, zone, before.now) <= now)
            .then(|| bucket_start(granularity, zone, before.now));
        let changed = change.changed_from.map(|from| bucket_start(granularity, zone, from));
        // The window has grown at its end, or at its beginning.
        let grown = match (before.buckets.first(), before.buckets.last()) {
            (Some((_, first)), Some((_, last))) if first.start <= window.from() => {
                (last.end < window.to()).then_some(last.end)
            }
            _ => Some(window.from()),
        };
        [ended, changed, grown].into_iter().flatten().min()
    }

    async fn window(&self, now: DateTime<Utc>) -> Result<Result<Window, RangeError>, Error> {
        let LiveTimelineSpec { granularity, zone, range } = self.spec;
        if range == RangeInput::default() {
            return Ok(Ok(live_default(now, granularity, zone)));
        }
        let stored = if range.needs_extent() { self.service.extent_now(&self.event_id).await? } else { None };
        Ok(range.resolve(granularity, zone, now, stored))
    }

    /// The window's buckets from the one that holds `from` on.
    async fn buckets_from(&self, window: &Window, from: DateTime<Utc>) -> Result<Vec<Bucket>, Error> {
        let from = bucket_start(window.granularity(), window.zone(), from.max(window.from()));
        if from >= window.to() {
            return Ok(Vec::new());
        }
        let part = RangeInput { last: None, from: Some(from), to: Some(window.to()) };
        match part.resolve(window.granularity(), window.zone(), window.to(), None) {
            Ok(part) => Ok(self.service.series_now(&self.event_id, &part).await?.buckets),
            // A part of a window that fits, fits.
            Err(_) => Ok(Vec::new()),
        }
    }
}
