use async_graphql::Object;
use service::live;

use super::UpdateKind;
use crate::graphql::{event::EventAnalytics, leaf::Branch, scalar::Long};

pub(crate) struct EventUpdate(live::EventUpdate);

impl From<live::EventUpdate> for EventUpdate {
    fn from(update: live::EventUpdate) -> Self {
        Self(update)
    }
}

/// An event, as it is now.
#[Object]
impl EventUpdate {
    /// Whether this is the first update or one after a change. Either holds the whole event.
    async fn kind(&self) -> UpdateKind {
        self.0.kind.into()
    }

    /// The event.
    async fn event(&self) -> Branch<EventAnalytics> {
        Branch(EventAnalytics(self.0.event.clone()))
    }

    /// Rises by commit, per event.
    async fn revision(&self) -> Long {
        self.0.revision.into()
    }

    /// Give it to `eventUpdated(after:)` to go on from here after a lost connection.
    async fn cursor(&self) -> &str {
        &self.0.cursor
    }

    /// How many commits this update stands for.
    async fn coalesced(&self) -> i32 {
        self.0.coalesced
    }
}
