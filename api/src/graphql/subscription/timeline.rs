use async_graphql::Object;
use service::live;

use super::UpdateKind;
use crate::graphql::{leaf::Table, scalar::Long, timeline::TimelinePoint};

pub(crate) struct TimelineUpdate(live::TimelineUpdate);

impl From<live::TimelineUpdate> for TimelineUpdate {
    fn from(update: live::TimelineUpdate) -> Self {
        Self(update)
    }
}

/// A part of an event's timeline, as it is now.
#[Object]
impl TimelineUpdate {
    /// Whether this is the whole window or what changed in it.
    async fn kind(&self) -> UpdateKind {
        self.0.kind.into()
    }

    /// The whole window for a snapshot, the changed buckets (absolute values, not differences) for a delta.
    async fn points(&self) -> Table<TimelinePoint> {
        Table(self.0.buckets.iter().map(|bucket| TimelinePoint::of(bucket, self.0.now, None)).collect())
    }

    /// People who registered for the event, at any time.
    async fn total_participants(&self) -> i32 {
        self.0.total_participants
    }

    /// Rises by commit, per event. The points are at least as new.
    async fn revision(&self) -> Long {
        self.0.revision.into()
    }

    /// Give it to `timelineUpdated(after:)` to go on from here after a lost connection.
    async fn cursor(&self) -> &str {
        &self.0.cursor
    }

    /// How many commits this update stands for; 0 where only time has passed.
    async fn coalesced(&self) -> i32 {
        self.0.coalesced
    }
}
