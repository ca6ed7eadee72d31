use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{EventId, Revision, UserId};

/// Where an event stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventStatus {
    /// Running.
    Active,
    /// Over.
    Ended,
    /// Put away.
    Archived,
}

impl EventStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Ended, Self::Archived];

    /// The name as stored and as sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Ended => "ENDED",
            Self::Archived => "ARCHIVED",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// The statistics of one event, a described row of `event_stats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The event.
    pub event_id: EventId,
    /// Its title.
    pub title: String,
    /// Its owner.
    pub user_id: UserId,
    /// People registered.
    pub total_participants: i32,
    /// The sum of its channels' views.
    pub total_views: i32,
    /// Percent.
    pub estimated_roi: Decimal,
    /// Percent.
    pub target_roi: Decimal,
    /// Percent.
    pub sales_growth_rate: Decimal,
    /// Won.
    pub total_investment: Decimal,
    /// Won.
    pub expected_revenue: Decimal,
    /// Where it stands.
    pub status: EventStatus,
    /// The earliest `occurredAt` of its `EventCreated` messages.
    pub created_at: DateTime<Utc>,
    /// The latest `occurredAt` that touched it.
    pub updated_at: DateTime<Utc>,
    /// The commit that this was read at, or an earlier one: never a later one.
    pub revision: Revision,
}
