use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Delta;
use crate::domain::{EventId, Revision, UserId};

/// What the rest of the system hears of one event's part in a transaction. Hearing it twice or hearing only the last of
/// several is harmless: by how much something changed is said for one revision only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Commit {
    /// The event.
    pub event_id: EventId,
    /// Whose overview changed: the owner, and the former one where the event changed hands. Empty while the event is
    /// not described.
    pub owners: Vec<UserId>,
    /// The event's revision after the transaction.
    pub revision: Revision,
    /// The start of the earliest timeline bucket that changed; that and all later ones may have.
    pub changed_from: Option<DateTime<Utc>>,
    /// When it took place, by the clock of the process that wrote; the earliest where it stands for several. `None` where
    /// that is not known, as when an earlier transaction is told of again, or by another version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<DateTime<Utc>>,
    /// All that it did, where that is known and can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<Arc<Delta>>,
}

/// The earlier of what there is.
fn earlier(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    [one, other].into_iter().flatten().min()
}

impl Commit {
    /// Takes another commit of the same event in: what both say, once.
    pub fn merge(&mut self, other: Self) {
        if other.revision != self.revision || self.delta.is_none() {
            self.delta = other.delta.filter(|_| other.revision == self.revision);
        }
        for owner in other.owners {
            if !self.owners.contains(&owner) {
                self.owners.push(owner);
            }
        }
        self.revision = self.revision.max(other.revision);
        self.changed_from = earlier(self.changed_from, other.changed_from);
        self.committed_at = earlier(self.committed_at, other.committed_at);
    }
}
