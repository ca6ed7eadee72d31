use std::{sync::Arc, time::Duration};

use async_stream::try_stream;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::Stream;
use tokio::time::{Instant, sleep_until};

use super::{LiveError, UpdateKind, chart::Picture, cursor, event::commits_between};
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
        after: Option<String>,
        min_interval: Duration,
    ) -> impl Stream<Item = Result<TimelineUpdate, LiveError>> + Send + use<> {
        let service = Arc::clone(self);
        try_stream! {
            let cursors = service.cursors().await?;
            let subject = cursor::timeline_subject(&event_id, spec.granularity, spec.zone);
            // A range that contradicts itself is refused before there is anything to show.
            spec.range.resolve(spec.granularity, spec.zone, service.clock().now(), None)?;
            let (mut seen, left_at): (Option<Revision>, _) = match after {
                Some(text) => {
                    let (revision, at) = cursor::open(&cursors, &subject, service.clock().now(), &text)?;
                    (Some(revision), Some(at))
                }
                None => (None, None),
            };
            let mut number = None;
            let mut viewing = service.view(&event_id, spec);
            loop {
                let picture = viewing.next().await.map_err(|_| LiveError::Lost)?;
                let frame = match picture {
                    Picture::Shown(frame) if viewer.may_see(&frame.event.event.user_id) => frame,
                    Picture::Refused(refusal) => Err(refusal)?,
                    Picture::Nothing | Picture::Shown(_) if seen.is_some() => Err(LiveError::Forbidden)?,
                    Picture::Nothing | Picture::Shown(_) => continue,
                };
                let revision = frame.event.event.revision;
                if seen.is_some_and(|seen| seen > revision) {
                    Err(LiveError::ResyncRequired)?;
                }
                let mut buckets = frame.since(number);
                // A cursor says how far commits were seen, and until when: if it missed none of them, then only time has
                // passed. If it missed some, what they changed is not known, and everything is sent.
                if let Some(left_at) = left_at.filter(|_| number.is_none() && seen == Some(revision)) {
                    buckets.retain(|bucket| bucket.end > left_at);
                    if buckets.first().is_none_or(|running| running.end > frame.now) {
                        buckets.clear();
                    }
                }
                if seen != Some(revision) || !buckets.is_empty() {
                    let (kind, coalesced) = match seen {
                        None => (UpdateKind::Snapshot, 1),
                        Some(seen) => (UpdateKind::Delta, commits_between(seen, revision)),
                    };
                    yield TimelineUpdate {
                        kind,
                        buckets,
                        now: frame.now,
                        total_participants: frame.event.event.total_participants,
                        revision,
                        cursor: cursor::seal(&cursors, &subject, revision, service.clock().now()),
                        coalesced,
                    };
                    sleep_until(Instant::now() + min_interval).await;
                }
                (seen, number) = (Some(revision), Some(frame.number));
            }
        }
    }
}
