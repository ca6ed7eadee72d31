use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::UserId;

/// All of one user's described events in sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserOverview {
    /// The user.
    pub user_id: UserId,
    /// Events described.
    pub event_count: i64,
    /// Events that are ACTIVE.
    pub active_event_count: i64,
    /// People registered.
    pub total_participants: i64,
    /// Views.
    pub total_views: i64,
    /// Won.
    pub total_investment: Decimal,
    /// Won.
    pub expected_revenue: Decimal,
    /// The sum of the events' revisions: rises by one with each commit to one of them.
    pub revisions: i64,
}

impl UserOverview {
    /// The overview of a user without events.
    #[must_use]
    pub const fn none(user_id: UserId) -> Self {
        Self {
            user_id,
            event_count: 0,
            active_event_count: 0,
            total_participants: 0,
            total_views: 0,
            total_investment: Decimal::ZERO,
            expected_revenue: Decimal::ZERO,
            revisions: 0,
        }
    }
}
