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
    domain::{UserId, UserOverview, Viewer},
};

/// A user's overview after a change in any of their events.
#[derive(Clone, Debug)]
pub struct UserUpdate {
    /// Snapshot first, then deltas.
    pub kind: UpdateKind,
    /// The overview.
    pub user: Arc<UserOverview>,
    /// To go on from here after a lost connection.
    pub cursor: String,
    /// Commits that this update stands for.
    pub coalesced: i32,
}

/// Reads one user's overview.
pub(super) struct Overview {
    service: Arc<Service>,
    user_id: UserId,
    shown: Option<Arc<UserOverview>>,
}

impl Scene for Overview {
    type Picture = Arc<UserOverview>;

    async fn look(&mut self, _: &Change, _: u64) -> Result<Option<Self::Picture>, Error> {
        let user = patiently(|| self.service.user_now(&self.user_id)).await?;
        // The sum of revisions moves with every commit, also with one that leaves the other sums as they are.
        if self.shown.as_ref() == Some(&user) {
            return Ok(None);
        }
        self.shown = Some(Arc::clone(&user));
        Ok(Some(user))
    }
}

/// Events that come and go bring their revisions along, so these two together tell states apart.
type UserState = (i64, i64);

fn state(user: &UserOverview) -> UserState {
    (user.event_count, user.revisions)
}

/// An update that has yet to be made.
pub struct UserStep {
    bookmarks: Arc<Bookmarks>,
    seen: Seen<UserState>,
    user: Arc<UserOverview>,
    number: u64,
    given_out: DateTime<Utc>,
    due_at: Option<Instant>,
}

impl UserStep {
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
    pub fn update(&self) -> UserUpdate {
        let (kind, coalesced) = match self.seen.state() {
            None => (UpdateKind::Snapshot, 1),
            Some((_, seen)) => (UpdateKind::Delta, commits_between(seen, self.user.revisions).max(1)),
        };
        let cursor = self.bookmarks.seal(state(&self.user), self.given_out);
        UserUpdate { kind, user: Arc::clone(&self.user), cursor, coalesced }
    }
}

impl Service {
    /// Follows one user's events in sums, at most once in `min_interval`. With a cursor the first update comes only
    /// if something has changed since.
    ///
    /// Viewers of the same user share the reads; each has its own pace.
    pub fn user_updates(
        self: &Arc<Self>,
        viewer: Viewer,
        user_id: UserId,
        after: Option<Resume>,
        min_interval: Duration,
    ) -> impl Stream<Item = Result<UserStep, LiveError>> + Send + use<> {
        let service = Arc::clone(self);
        try_stream! {
            if !viewer.may_see(&user_id) {
                Err(LiveError::Forbidden)?;
            }
            let bookmarks = Arc::new(Bookmarks::of(&service, Subject::User(user_id.clone())).await?);
            let mut seen: Seen<UserState> = match after {
                Some(resume) => Seen::Elsewhere(bookmarks.open(&service, &resume)?),
                None => Seen::Nothing,
            };
            let mut pace = Pace::new(min_interval);
            let mut viewing = service.drawings().users.view(
                &service,
                &user_id,
                || Topic::User(user_id.clone()),
                min_interval,
                || Overview { service: Arc::clone(&service), user_id: user_id.clone(), shown: None },
            );
            loop {
                viewing.wait().await?;
                pace.keep().await;
                let look = viewing.look()?;
                let user = look.picture;
                let here = Seen::Here { number: look.number, state: state(&user) };
                let before = std::mem::replace(&mut seen, here);
                // Who goes from state to state of this process comes only where something has changed.
                if !matches!(before, Seen::Elsewhere(seen) if seen == state(&user)) {
                    yield UserStep {
                        bookmarks: Arc::clone(&bookmarks),
                        seen: before,
                        user,
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
