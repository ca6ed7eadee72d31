use std::{sync::Arc, time::Duration};

use async_stream::try_stream;
use futures_util::Stream;
use tokio::time::{Instant, sleep_until};

use super::{LiveError, UpdateKind, cursor, cursor::Subject, hub::Topic, patience::patiently};
use crate::{
    Service,
    domain::{EventId, Revision, Viewer},
    read::EventEntry,
};

/// The whole event after a change.
#[derive(Clone, Debug)]
pub struct EventUpdate {
    /// Snapshot first, then deltas.
    pub kind: UpdateKind,
    /// The event; what belongs to it is read on from here.
    pub event: Arc<EventEntry>,
    /// Its revision.
    pub revision: Revision,
    /// To go on from here after a lost connection.
    pub cursor: String,
    /// Commits that this update stands for.
    pub coalesced: i32,
}

/// Commits between two revisions, as a count for the client.
pub(super) fn commits_between(earlier: Revision, later: Revision) -> i32 {
    i32::try_from(later - earlier).unwrap_or(i32::MAX)
}

impl Service {
    /// Follows an event: as it is, then again after each change, at most once in `min_interval`. Begins as soon as
    /// the event is there and the viewer may see it. With a cursor only what is newer is sent.
    pub fn event_updates(
        self: &Arc<Self>,
        viewer: Viewer,
        event_id: EventId,
        after: Option<String>,
        min_interval: Duration,
    ) -> impl Stream<Item = Result<EventUpdate, LiveError>> + Send + use<> {
        let service = Arc::clone(self);
        try_stream! {
            let follower = service.hub().follow(Topic::Event(event_id.clone()));
            let cursors = service.cursors().await?;
            let subject = Subject::Event(event_id.clone());
            let mut seen: Option<Revision> = match after {
                Some(text) => Some(cursor::open(&cursors, &subject, service.clock().now(), &text)?.0),
                None => None,
            };
            loop {
                match patiently(|| service.event_now(&viewer, &event_id)).await? {
                    None if seen.is_some() => Err(LiveError::Forbidden)?,
                    None => {}
                    Some(event) => {
                        let revision = event.event.revision;
                        if seen.is_some_and(|seen| seen > revision) {
                            Err(LiveError::ResyncRequired)?;
                        }
                        if seen != Some(revision) {
                            let (kind, coalesced) = match seen {
                                None => (UpdateKind::Snapshot, 1),
                                Some(seen) => (UpdateKind::Delta, commits_between(seen, revision)),
                            };
                            let cursor = cursor::seal(&cursors, &subject, revision, service.clock().now());
                            yield EventUpdate { kind, event, revision, cursor, coalesced };
                            sleep_until(Instant::now() + min_interval).await;
                        }
                        seen = Some(revision);
                    }
                }
                follower.changed().await;
            }
        }
    }
}
