use std::{sync::Arc, time::Duration};

use async_stream::try_stream;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::Stream;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    LiveError, UpdateKind, cursor,
    event::commits_between,
    hub::{Change, Topic},
    patience::patiently,
};
use crate::{
    Error, Service,
    domain::{Bucket, EventId, Granularity, Revision, Viewer},
    read::EventEntry,
    timeline::{RangeError, RangeInput, Window, bucket_end, bucket_start, live_default},
};

/// Which live timeline is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LiveTimelineSpec {
    /// Width of the buckets.
    pub granularity: Granularity,
    /// Whose calendar.
    pub zone: Tz,
    /// From when to when; where nothing is said, the last 60 buckets up to now. A range that ends now moves on.
    pub range: RangeInput,
}

/// Buckets that are new or changed, as absolute values.
#[derive(Clone, Debug)]
pub struct TimelineUpdate {
    /// Snapshot first, then deltas.
    pub kind: UpdateKind,
    /// The whole window, or what changed in it.
    pub buckets: Vec<Bucket>,
    /// When this was read: a bucket that ends later is not over yet.
    pub now: DateTime<Utc>,
    /// The event's count of record.
    pub total_participants: i32,
    /// The event's revision: the buckets are at least as new.
    pub revision: Revision,
    /// To go on from here after a lost connection.
    pub cursor: String,
    /// Commits that this update stands for; 0 where only time has passed.
    pub coalesced: i32,
}

impl LiveTimelineSpec {
    fn is_default(&self) -> bool {
        self.range == RangeInput::default()
    }
}

/// A bucket can't be seen to end before the clock says so.
fn until(instant: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (instant - now).to_std().unwrap_or_default()
}

impl Service {
    async fn live_window(
        &self,
        event_id: &EventId,
        spec: &LiveTimelineSpec,
        now: DateTime<Utc>,
    ) -> Result<Result<Window, RangeError>, Error> {
        if spec.is_default() {
            return Ok(Ok(live_default(now, spec.granularity, spec.zone)));
        }
        let stored = if spec.range.needs_extent() { self.extent_now(event_id).await? } else { None };
        Ok(spec.range.resolve(spec.granularity, spec.zone, now, stored))
    }

    /// Follows an event's timeline: the whole window, then after each change only the buckets that changed, at most
    /// once in `min_interval`. A bucket that ends while nothing happens is sent once more, as over. Begins as soon as
    /// the event is there and the viewer may see it. With a cursor, the first update holds what is newer.
    pub fn timeline_updates(
        self: &Arc<Self>,
        viewer: Viewer,
        event_id: EventId,
        spec: LiveTimelineSpec,
        after: Option<String>,
        min_interval: Duration,
    ) -> impl Stream<Item = Result<TimelineUpdate, LiveError>> + Send + use<> {
        let service = Arc::clone(self);
        try_stream! {
            let follower = service.hub().follow(Topic::Event(event_id.clone()));
            let cursors = service.cursors().await?;
            let subject = cursor::timeline_subject(&event_id, spec.granularity, spec.zone);
            // A range that contradicts itself is refused before there is anything to show.
            spec.range.resolve(spec.granularity, spec.zone, service.clock().now(), None)?;
            let mut seen: Option<Revision> = match after {
                Some(text) => Some(cursor::open(&cursors, &subject, service.clock().now(), &text)?),
                None => None,
            };
            // What is not sent yet: at first everything, for a cursor does not say what changed since it.
            let mut change = Change { resync: true, ..Change::default() };
            let mut shown_at: Option<DateTime<Utc>> = None;
            loop {
                let event = patiently(|| service.event_now(&viewer, &event_id)).await?;
                let now = service.clock().now();
                let mut ends = None;
                match event {
                    None if seen.is_some() => Err(LiveError::Forbidden)?,
                    None => {}
                    Some(event) => {
                        let revision = event.event.revision;
                        if seen.is_some_and(|seen| seen > revision) {
                            Err(LiveError::ResyncRequired)?;
                        }
                        let window = patiently(|| service.live_window(&event_id, &spec, now)).await??;
                        // While nothing is shown yet, or once the window has been passed by, no bucket of it ends.
                        let ended = shown_at.is_some_and(|shown_at| {
                            let end = bucket_end(spec.granularity, spec.zone, shown_at);
                            end <= now && shown_at < window.to()
                        });
                        if seen != Some(revision) || ended {
                            let (kind, coalesced) = match seen {
                                None => (UpdateKind::Snapshot, 1),
                                Some(seen) => (UpdateKind::Delta, commits_between(seen, revision)),
                            };
                            let changed_from = if change.resync || seen.is_none() {
                                Some(window.from())
                            } else {
                                [change.changed_from, shown_at.filter(|_| ended)].into_iter().flatten().min()
                            };
                            let buckets = match changed_from {
                                Some(from) => service.buckets_from(&event, &window, from).await?,
                                None => Vec::new(),
                            };
                            let cursor = cursor::seal(&cursors, &subject, revision, service.clock().now());
                            let total_participants = event.event.total_participants;
                            yield TimelineUpdate { kind, buckets, now, total_participants, revision, cursor, coalesced };
                            sleep_until(Instant::now() + min_interval).await;
                        }
                        change = Change::default();
                        seen = Some(revision);
                        shown_at = Some(now);
                        ends = (now < window.to()).then(|| bucket_end(spec.granularity, spec.zone, now));
                    }
                }
                let now = service.clock().now();
                tokio::select! {
                    heard = follower.changed() => change.merge(heard),
                    () = sleep(ends.map_or(Duration::MAX, |end| until(end, now))) => {}
                }
            }
        }
    }

    /// The window's buckets from the one that holds `from` on.
    async fn buckets_from(
        &self,
        event: &EventEntry,
        window: &Window,
        from: DateTime<Utc>,
    ) -> Result<Vec<Bucket>, LiveError> {
        let from = bucket_start(window.granularity(), window.zone(), from.max(window.from()));
        if from >= window.to() {
            return Ok(Vec::new());
        }
        let part = RangeInput { last: None, from: Some(from), to: Some(window.to()) };
        let part = part.resolve(window.granularity(), window.zone(), window.to(), None)?;
        Ok(patiently(|| self.series_now(&event.event.event_id, &part)).await?.buckets)
    }
}
