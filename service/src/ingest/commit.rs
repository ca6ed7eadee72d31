use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::{EventId, Revision, UserId};

/// What the rest of the system hears of one event's part in a transaction. Says what changed, not by how much, so
/// hearing it twice or hearing only the last of several is harmless.
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
}

impl Commit {
    /// Takes a later commit of the same event in: what both say, once.
    pub fn merge(&mut self, other: Self) {
        for owner in other.owners {
            if !self.owners.contains(&owner) {
                self.owners.push(owner);
            }
        }
        self.revision = self.revision.max(other.revision);
        self.changed_from = match (self.changed_from, other.changed_from) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}
