use async_graphql::SimpleObject;

use super::scalar::DateTime;
use crate::budget::Charge;

/// What this operation costs, and what is left to spend. The cost is one for each field, times what its lists may hold at
/// most. Where the operator gives users a budget for each minute, this is the caller's; otherwise every operation has a
/// budget of its own, which is whole again at once.
#[derive(SimpleObject)]
pub(crate) struct RateLimit {
    /// The whole budget.
    limit: i32,
    /// What this operation costs.
    cost: i32,
    /// What is left after it.
    remaining: i32,
    /// When the budget is whole again; it comes back bit by bit.
    reset_at: DateTime,
}

impl From<Charge> for RateLimit {
    fn from(charge: Charge) -> Self {
        let int = |number| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            limit: int(charge.limit),
            cost: int(charge.cost),
            remaining: int(charge.remaining),
            reset_at: charge.reset_at.into(),
        }
    }
}
