use async_graphql::Object;
use service::live;

use super::UpdateKind;
use crate::graphql::user::UserAnalytics;

pub(crate) struct UserUpdate(live::UserUpdate);

impl From<live::UserUpdate> for UserUpdate {
    fn from(update: live::UserUpdate) -> Self {
        Self(update)
    }
}

/// All of one user's events in sums, as they are now.
#[Object]
impl UserUpdate {
    /// Whether this is the first update or one after a change. Either holds the whole overview.
    async fn kind(&self) -> UpdateKind {
        self.0.kind.into()
    }

    /// The user's events in sums.
    async fn user(&self) -> UserAnalytics {
        self.0.user.clone().into()
    }

    /// Give it to `userUpdated(after:)` to go on from here after a lost connection.
    async fn cursor(&self) -> &str {
        &self.0.cursor
    }

    /// How many commits this update stands for.
    async fn coalesced(&self) -> i32 {
        self.0.coalesced
    }
}
