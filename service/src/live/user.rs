use std::{sync::Arc, time::Duration};

use async_stream::try_stream;
use futures_util::Stream;
use tokio::time::{Instant, sleep_until};

use super::{
    LiveError, UpdateKind, cursor,
    cursor::Subject,
    hub::{Change, Topic},
    patience::patiently,
};
use crate::{
    Service,
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

impl Service {
    /// Follows one user's events in sums, at most once in `min_interval`. With a cursor the first update comes only
    /// if the sums have changed since.
    pub fn user_updates(
        self: &Arc<Self>,
        viewer: Viewer,
        user_id: UserId,
        after: Option<String>,
        min_interval: Duration,
    ) -> impl Stream<Item = Result<UserUpdate, LiveError>> + Send + use<> {
        let service = Arc::clone(self);
        try_stream! {
            let follower = service.hub().follow(Topic::User(user_id.clone()));
            let cursors = service.cursors().await?;
            let subject = Subject::User(user_id.clone());
            let mut seen: Option<UserOverview> = match after {
                Some(text) => Some(cursor::open(&cursors, &subject, service.clock().now(), &text)?.0),
                None => None,
            };
            let mut change = Change { commits: u32::from(seen.is_none()), ..Change::default() };
            loop {
                let Some(user) = patiently(|| service.user_now(&viewer, &user_id)).await? else {
                    Err(LiveError::Forbidden)?
                };
                // A change that leaves the sums as they are may still have changed an event in the list.
                if seen.as_ref() != Some(user.as_ref()) || change.commits > 0 && seen.is_some() {
                    let kind = if seen.is_none() { UpdateKind::Snapshot } else { UpdateKind::Delta };
                    let cursor = cursor::seal(&cursors, &subject, user.as_ref(), service.clock().now());
                    let coalesced = i32::try_from(change.commits.max(1)).unwrap_or(i32::MAX);
                    yield UserUpdate { kind, user: Arc::clone(&user), cursor, coalesced };
                    sleep_until(Instant::now() + min_interval).await;
                }
                seen = Some(user.as_ref().clone());
                change = follower.changed().await;
            }
        }
    }
}
