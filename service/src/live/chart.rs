//! One chart, drawn once for all who look at it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{LiveTimelineSpec, cursor::ChartSeen, drawing::Scene, hub::Change, patience::patiently};
use crate::{
    Error, Service,
    domain::{Bucket, EventId, Revision, Viewer},
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

/// A bucket, and when it became what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    /// The state of the chart.
    number: u64,
    /// The event's revision when it was read, or a later one.
    revision: Revision,
    bucket: Bucket,
}

/// A state of a chart.
#[derive(Debug)]
pub(super) struct Frame {
    /// The event, read before the buckets: they are at least as new.
    pub(super) event: Arc<EventEntry>,
    /// When it was read.
    pub(super) now: DateTime<Utc>,
    /// The window's bounds.
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    /// Each bucket of the window, and the state in which it last changed. So whoever has seen a state knows what is new
    /// since, however long ago that was, and nothing has to be kept for them.
    cells: Vec<Cell>,
}

impl Frame {
    /// All buckets.
    pub(super) fn all(&self) -> Vec<Bucket> {
        self.cells.iter().map(|cell| cell.bucket).collect()
    }

    /// The buckets that changed after a state of this process.
    pub(super) fn since(&self, number: u64) -> Vec<Bucket> {
        self.cells.iter().filter(|cell| cell.number > number).map(|cell| cell.bucket).collect()
    }

    /// The buckets that whoever has a cursor may not have as they are: those that a later commit may have changed, those
    /// outside of the window that it is about, and those that have ended since.
    pub(super) fn since_cursor(&self, seen: &ChartSeen) -> Vec<Bucket> {
        let is_new = |Cell { revision, bucket, .. }: &&Cell| {
            *revision > seen.revision
                || bucket.start < seen.from
                || bucket.end > seen.to
                || (bucket.end > seen.at && bucket.end <= self.now)
        };
        self.cells.iter().filter(is_new).map(|cell| cell.bucket).collect()
    }
}

/// Reads one chart.
pub(super) struct Chart {
    service: Arc<Service>,
    event_id: EventId,
    spec: LiveTimelineSpec,
    shown: Option<Picture>,
}

impl Chart {
    pub(super) fn new(service: &Arc<Service>, event_id: &EventId, spec: LiveTimelineSpec) -> Self {
        Self { service: Arc::clone(service), event_id: event_id.clone(), spec, shown: None }
    }

    fn frame(&self) -> Option<&Arc<Frame>> {
        match &self.shown {
            Some(Picture::Shown(frame)) => Some(frame),
            _ => None,
        }
    }
}

impl Scene for Chart {
    type Picture = Picture;

    async fn look(&mut self, change: &Change, number: u64) -> Result<Option<Picture>, Error> {
        let picture = self.read(self.frame().map(AsRef::as_ref), change, number).await?;
        let is_same = match (&self.shown, &picture) {
            (Some(Picture::Shown(before)), Picture::Shown(frame)) => {
                before.event == frame.event
                    && (before.from, before.to) == (frame.from, frame.to)
                    && frame.cells.iter().all(|cell| cell.number < number)
            }
            (Some(Picture::Nothing), Picture::Nothing) => true,
            _ => false,
        };
        if is_same {
            return Ok(None);
        }
        self.shown = Some(picture.clone());
        Ok(Some(picture))
    }

    /// A bucket that is not over yet ends.
    fn changes_at(&self) -> Option<DateTime<Utc>> {
        let frame = self.frame()?;
        frame.cells.last().filter(|last| last.bucket.end > frame.now)?;
        Some(bucket_end(self.spec.granularity, self.spec.zone, frame.now))
    }
}

impl Chart {
    /// Reads what may have changed since the frame before.
    async fn read(&self, before: Option<&Frame>, change: &Change, number: u64) -> Result<Picture, Error> {
        let Some(event) = patiently(|| self.service.event_now(&Viewer::Open, &self.event_id)).await? else {
            return Ok(Picture::Nothing);
        };
        let now = self.service.clock().now();
        let window = match patiently(|| self.window(now)).await? {
            Ok(window) => window,
            Err(refusal) => return Ok(Picture::Refused(refusal)),
        };
        let mut revision = event.event.revision;
        // A commit that was read before it was announced: what it changed is not known yet.
        let known = before
            .and_then(|before| Some((before, change.between(before.event.event.revision, revision).ok()?)));
        let mut cells: Vec<Cell> = Vec::new();
        let mut changed_from = Some(window.from());
        if let Some((before, changed)) = known {
            changed_from = self.changed_from(before, &window, now, changed);
            let is_kept = |cell: &&Cell| {
                let start = cell.bucket.start;
                start >= window.from() && changed_from.is_none_or(|from| start < from)
            };
            cells.extend(before.cells.iter().filter(is_kept).copied());
        }
        if let Some(from) = changed_from {
            let mut buckets = patiently(|| self.buckets_from(&window, from)).await?;
            let read_at = patiently(|| self.service.revision_now(&self.event_id)).await?;
            if read_at > revision {
                // They may hold what was committed after the event was read, and so may those that were not read. All of
                // them in one statement fit together, and whoever has a cursor of an earlier revision gets them.
                cells.clear();
                buckets = patiently(|| self.buckets_from(&window, window.from())).await?;
                revision = patiently(|| self.service.revision_now(&self.event_id)).await?.max(read_at);
            }
            let is_over = |bucket: &Bucket, at: DateTime<Utc>| bucket.end <= at;
            for bucket in buckets {
                let same = before.and_then(|before| {
                    let place = before.cells.binary_search_by_key(&bucket.start, |cell| cell.bucket.start);
                    let cell = before.cells[place.ok()?];
                    // A bucket that is over now and was not is not the same.
                    let is_same =
                        cell.bucket == bucket && is_over(&bucket, before.now) == is_over(&bucket, now);
                    is_same.then_some(cell)
                });
                cells.push(same.unwrap_or(Cell { number, revision, bucket }));
            }
        }
        let (from, to) = (window.from(), window.to());
        Ok(Picture::Shown(Arc::new(Frame { event, now, from, to, cells })))
    }

    /// The start of the first bucket that may differ from the frame before, when commits changed those from `changed` on.
    fn changed_from(
        &self,
        before: &Frame,
        window: &Window,
        now: DateTime<Utc>,
        changed: Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        let LiveTimelineSpec { granularity, zone, .. } = self.spec;
        let ended = (bucket_end(granularity, zone, before.now) <= now)
            .then(|| bucket_start(granularity, zone, before.now));
        let changed = changed.map(|from| bucket_start(granularity, zone, from));
        // The window has grown at its end, or at its beginning.
        let grown = match (before.cells.first(), before.cells.last()) {
            (Some(first), Some(last)) if first.bucket.start <= window.from() => {
                (last.bucket.end < window.to()).then_some(last.bucket.end)
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
