use std::{sync::Arc, time::Duration};

use async_stream::try_stream;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use tokio::time::Instant;

use super::{
    LiveError, Resume, StepKey, UpdateKind,
    cursor::{Bookmarks, Subject},
    drawing::Scene,
    hub::{Change, Topic},
    pace::Pace,
    patience::patiently,
    step::{Seen, commits_between},
};
use crate::{
    Error, Service,
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

/// Reads one event.
pub(super) struct Portrait {
    service: Arc<Service>,
    event_id: EventId,
    shown: Option<<Self as Scene>::Picture>,
}

impl Scene for Portrait {
    /// `None` while the event is not there.
    type Picture = Option<Arc<EventEntry>>;

    async fn look(&mut self, _: &Change, _: u64) -> Result<Option<Self::Picture>, Error> {
        let event = patiently(|| self.service.event_now(&Viewer::Open, &self.event_id)).await?;
        if self.shown.as_ref() == Some(&event) {
            return Ok(None);
        }
        self.shown = Some(event.clone());
        Ok(Some(event))
    }
}

/// An update that has yet to be made.
pub struct EventStep {
    bookmarks: Arc<Bookmarks>,
    seen: Seen<Revision>,
    event: Arc<EventEntry>,
    number: u64,
    given_out: DateTime<Utc>,
    due_at: Option<Instant>,
}

impl EventStep {
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

    /// Makes the update.
    #[must_use]
    pub fn update(&self) -> EventUpdate {
        let revision = self.event.event.revision;
        let (kind, coalesced) = match self.seen.state() {
            None => (UpdateKind::Snapshot, 1),
            Some(seen) => (UpdateKind::Delta, commits_between(seen, revision)),
        };
        let cursor = self.bookmarks.seal(revision, self.given_out);
        EventUpdate { kind, event: Arc::clone(&self.event), revision, cursor, coalesced }
    }
}

impl Service {
    /// Follows an event: as it is, then again after each change, at most once in `min_interval`. Begins as soon as
    /// the event is there and the viewer may see it. With a cursor only what is newer is sent.
    ///
    /// Viewers of the same event share its reads; each has its own pace.
    pub fn event_updates(
        self: &Arc<Self>,
        viewer: Viewer,
        event_id: EventId,
        after: Option<Resume>,
        min_interval: Duration,
    ) -> impl Stream<Item = Result<EventStep, LiveError>> + Send + use<> {
        let service = Arc::clone(self);
        try_stream! {
            let bookmarks = Arc::new(Bookmarks::of(&service, Subject::Event(event_id.clone())).await?);
            let mut seen: Seen<Revision> = match after {
                Some(resume) => Seen::Elsewhere(bookmarks.open(&service, &resume)?),
                None => Seen::Nothing,
            };
            let mut pace = Pace::new(min_interval);
            let mut viewing = service.drawings().events.view(
                &service,
                &event_id,
                || Topic::Event(event_id.clone()),
                min_interval,
                || Portrait { service: Arc::clone(&service), event_id: event_id.clone(), shown: None },
            );
            loop {
                viewing.wait().await?;
                pace.keep().await;
                let look = viewing.look()?;
                let event = match look.picture {
                    Some(event) if viewer.may_see(&event.event.user_id) => event,
                    _ if seen.state().is_some() => Err(LiveError::Forbidden)?,
                    _ => continue,
                };
                let revision = event.event.revision;
                if seen.state().is_some_and(|seen| seen > revision) {
                    Err(LiveError::ResyncRequired)?;
                }
                let here = Seen::Here { number: look.number, state: revision };
                let before = std::mem::replace(&mut seen, here);
                if before.state() != Some(revision) {
                    yield EventStep {
                        bookmarks: Arc::clone(&bookmarks),
                        seen: before,
                        event,
                        number: look.number,
                        given_out: service.clock().now(),
                        due_at: look.due_at,
                    };
                    pace.sent(look.shown_at);
                }
            }
        }
    }
}
