use std::{sync::Arc, time::Duration};

use async_stream::try_stream;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::Stream;
use tokio::time::Instant;

use super::{
    LiveError, Resume, StepKey, UpdateKind,
    chart::{Chart, Frame, Picture},
    cursor::{self, Bookmarks, ChartSeen},
    hub::Topic,
    pace::Pace,
    step::{Seen, commits_between},
};
use crate::{
    Service,
    domain::{Bucket, EventId, Granularity, Revision, Viewer},
    timeline::RangeInput,
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

/// An update that has yet to be made.
pub struct TimelineStep {
    bookmarks: Arc<Bookmarks>,
    seen: Seen<ChartSeen>,
    frame: Arc<Frame>,
    number: u64,
    given_out: DateTime<Utc>,
    due_at: Option<Instant>,
}

fn seen(frame: &Frame) -> ChartSeen {
    ChartSeen { revision: frame.event.event.revision, from: frame.from, to: frame.to, at: frame.now }
}

impl TimelineStep {
    /// Names the step; `None` where no other follower goes the same.
    #[must_use]
    pub fn key(&self) -> Option<StepKey> {
        self.seen.step_to(self.number)
    }

    /// Since when the follower could have been sent it, where a commit is what it tells of.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        self.due_at.filter(|_| self.seen.is_here())
    }

    fn buckets(&self) -> Vec<Bucket> {
        match &self.seen {
            Seen::Nothing => self.frame.all(),
            Seen::Elsewhere(seen) => self.frame.since_cursor(seen),
            Seen::Here { number, .. } => self.frame.since(*number),
        }
    }

    /// Whether whoever has a cursor has all this already.
    fn is_known(&self) -> bool {
        let known = |seen: ChartSeen| seen.revision == self.frame.event.event.revision;
        matches!(self.seen, Seen::Elsewhere(seen) if known(seen)) && self.buckets().is_empty()
    }

    /// Makes the update.
    #[must_use]
    pub fn update(&self) -> TimelineUpdate {
        let event = &self.frame.event.event;
        let (kind, coalesced) = match self.seen.state() {
            None => (UpdateKind::Snapshot, 1),
            Some(seen) => (UpdateKind::Delta, commits_between(seen.revision, event.revision)),
        };
        TimelineUpdate {
            kind,
            buckets: self.buckets(),
            now: self.frame.now,
            total_participants: event.total_participants,
            revision: event.revision,
            cursor: self.bookmarks.seal(seen(&self.frame), self.given_out),
            coalesced,
        }
    }
}

impl Service {
    /// Follows an event's timeline: the whole window, then after each change only the buckets that changed, at most
    /// once in `min_interval`. A bucket that ends while nothing happens is sent once more, as over. Begins as soon as
    /// the event is there and the viewer may see it. With a cursor, the first update holds what is newer.
    ///
    /// Viewers of the same chart share its reads; each has its own pace.
    pub fn timeline_updates(
        self: &Arc<Self>,
        viewer: Viewer,
        event_id: EventId,
        spec: LiveTimelineSpec,
        after: Option<Resume>,
        min_interval: Duration,
    ) -> impl Stream<Item = Result<TimelineStep, LiveError>> + Send + use<> {
        let service = Arc::clone(self);
        try_stream! {
            let subject = cursor::timeline_subject(&event_id, spec.granularity, spec.zone);
            let bookmarks = Arc::new(Bookmarks::of(&service, subject).await?);
            // A range that contradicts itself is refused before there is anything to show.
            spec.range.resolve(spec.granularity, spec.zone, service.clock().now(), None)?;
            let mut seen: Seen<ChartSeen> = match after {
                Some(resume) => Seen::Elsewhere(bookmarks.open(&service, &resume)?),
                None => Seen::Nothing,
            };
            let mut pace = Pace::new(min_interval);
            let mut viewing = service.drawings().charts.view(
                &service,
                &(event_id.clone(), spec),
                || Topic::Event(event_id.clone()),
                min_interval,
                || Chart::new(&service, &event_id, spec),
            );
            loop {
                viewing.wait().await?;
                pace.keep().await;
                let look = viewing.look()?;
                let frame = match look.picture {
                    Picture::Shown(frame) if viewer.may_see(&frame.event.event.user_id) => frame,
                    Picture::Refused(refusal) => Err(refusal)?,
                    Picture::Nothing | Picture::Shown(_) if seen.state().is_some() => Err(LiveError::Forbidden)?,
                    Picture::Nothing | Picture::Shown(_) => continue,
                };
                if seen.state().is_some_and(|seen| seen.revision > frame.event.event.revision) {
                    Err(LiveError::ResyncRequired)?;
                }
                let here = Seen::Here { number: look.number, state: self::seen(&frame) };
                let step = TimelineStep {
                    bookmarks: Arc::clone(&bookmarks),
                    seen: std::mem::replace(&mut seen, here),
                    frame,
                    number: look.number,
                    given_out: service.clock().now(),
                    due_at: look.due_at,
                };
                if !step.is_known() {
                    yield step;
                    pace.sent(look.shown_at);
                }
            }
        }
    }
}
