//! What each user may spend in a minute, in the cost of operations.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use service::{
    clock::SharedClock,
    domain::{UserId, Viewer},
};

use crate::error::{ErrorCode, Fault};

type Limiter = RateLimiter<
    Option<UserId>,
    DefaultKeyedStateStore<Option<UserId>>,
    DefaultClock,
    StateInformationMiddleware,
>;

/// After so many operations, users whose budget is whole again are forgotten.
const SWEEP: u32 = 4_096;
const MINUTE_MS: u64 = 60_000;

/// The budgets of all users. Callers without a name share one.
pub(crate) struct Budget {
    per_minute: Option<(NonZeroU32, Limiter)>,
    /// What one operation may cost at most.
    per_operation: u64,
    wall: SharedClock,
    steady: DefaultClock,
    operations: AtomicU32,
}

/// What an operation costs, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    /// Of a minute; where there are no budgets, of an operation.
    pub(crate) limit: u64,
    pub(crate) cost: u64,
    pub(crate) remaining: u64,
    /// Until the budget is whole again.
    pub(crate) resets_in: Duration,
    pub(crate) reset_at: DateTime<Utc>,
    /// Whether there is a budget at all.
    pub(crate) is_budgeted: bool,
}

/// What comes of charging for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) charge: Charge,
    /// Where the budget did not suffice: when it will. `None` also where no budget ever does.
    pub(crate) retry_in: Option<Duration>,
}

impl Bill {
    /// For the viewer who can't afford it.
    pub(crate) fn fault(&self) -> Fault {
        let Self { charge: Charge { cost, limit, remaining, .. }, retry_in } = self;
        let what_to_do = match retry_in {
            Some(wait) => format!("Try again in {} s, or ask for less.", whole_seconds(*wait)),
            None => "Ask for less at once.".to_owned(),
        };
        let message = format!(
            "This costs {cost}; {remaining} of your budget of {limit} a minute are left. {what_to_do}"
        );
        Fault::new(ErrorCode::RateLimited, message)
    }
}

/// Rounded up, so that whoever waits so long has waited long enough.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

impl Budget {
    /// `per_minute` is both what a user has at first and what comes back within a minute, bit by bit.
    pub(crate) fn new(per_minute: Option<NonZeroU32>, per_operation: u64, wall: SharedClock) -> Self {
        let limiter = |limit| {
            RateLimiter::keyed(Quota::per_minute(limit)).with_middleware::<StateInformationMiddleware>()
        };
        Self {
            per_minute: per_minute.map(|limit| (limit, limiter(limit))),
            per_operation,
            wall,
            steady: DefaultClock::default(),
            operations: AtomicU32::new(0),
        }
    }

    /// Takes `cost` from the viewer's budget.
    ///
    /// # Errors
    /// What is left does not suffice: then nothing is taken.
    pub(crate) fn charge(&self, viewer: &Viewer, cost: usize) -> Result<Bill, Bill> {
        let cost = cost as u64;
        let Some((limit, limiter)) = &self.per_minute else {
            let remaining = self.per_operation.saturating_sub(cost);
            return Ok(Bill {
                charge: self.state(self.per_operation, cost, remaining, false),
                retry_in: None,
            });
        };
        if self.operations.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            limiter.retain_recent();
        }
        let whole = u64::from(limit.get());
        let Some(units) = u32::try_from(cost.max(1)).ok().and_then(NonZeroU32::new) else {
            return Err(self.exhausted(whole, cost, None));
        };
        match limiter.check_key_n(&viewer.user().cloned(), units) {
            Ok(Ok(left)) => {
                let remaining = u64::from(left.remaining_burst_capacity());
                Ok(Bill { charge: self.state(whole, cost, remaining, true), retry_in: None })
            }
            Ok(Err(not_until)) => {
                Err(self.exhausted(whole, cost, Some(not_until.wait_time_from(self.steady.now()))))
            }
            Err(_more_than_whole) => Err(self.exhausted(whole, cost, None)),
        }
    }

    /// `remaining` is as of now, whatever was charged.
    fn state(&self, limit: u64, cost: u64, remaining: u64, is_budgeted: bool) -> Charge {
        let missing = if is_budgeted { limit.saturating_sub(remaining) } else { 0 };
        let resets_in = Duration::from_millis(missing.saturating_mul(MINUTE_MS).div_ceil(limit.max(1)));
        let reset_at = self.wall.now() + TimeDelta::from_std(resets_in).unwrap_or_default();
        Charge { limit, cost, remaining, resets_in, reset_at, is_budgeted }
    }

    fn exhausted(&self, limit: u64, cost: u64, retry_in: Option<Duration>) -> Bill {
        // What is missing comes back while the client waits.
        let waits = retry_in.map_or(0, |wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let missing = waits.saturating_mul(limit).div_ceil(MINUTE_MS);
        let remaining = if retry_in.is_some() { cost.saturating_sub(missing).min(limit) } else { limit };
        Bill { charge: self.state(limit, cost, remaining, true), retry_in }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use service::clock::SystemClock;

    use super::*;

    fn budget(per_minute: Option<u32>) -> Budget {
        Budget::new(per_minute.and_then(NonZeroU32::new), 1_000, Arc::new(SystemClock))
    }

    fn viewer(name: &str) -> Viewer {
        Viewer::User(UserId::parse(name).unwrap())
    }

    #[test]
    fn without_budgets_nobody_is_refused() {
        let budget = budget(None);
        for _ in 0..100 {
            let charge = budget.charge(&Viewer::Open, 900).unwrap().charge;
            assert_eq!((charge.limit, charge.cost, charge.remaining), (1_000, 900, 100));
            assert!(charge.resets_in.is_zero() && !charge.is_budgeted);
        }
    }

    #[test]
    fn each_user_has_a_budget_of_their_own() {
        // Ten thousand are so many that the milliseconds of this test give little back.
        let budget = budget(Some(10_000));
        let first = budget.charge(&viewer("a"), 9_000).unwrap().charge;
        assert!((1_000..1_100).contains(&first.remaining), "{first:?}");
        assert!((53..=54).contains(&first.resets_in.as_secs()), "{first:?}");
        let refused = budget.charge(&viewer("a"), 4_000).unwrap_err();
        assert!((17..=18).contains(&refused.retry_in.unwrap().as_secs()), "{refused:?}");
        assert!((1_000..1_100).contains(&refused.charge.remaining), "{refused:?}");
        assert!(budget.charge(&viewer("b"), 4_000).is_ok());
        assert!(budget.charge(&viewer("a"), 500).is_ok(), "what was refused was not charged");
    }

    #[test]
    fn what_no_budget_suffices_for_is_not_worth_waiting_for() {
        let refused = budget(Some(100)).charge(&viewer("a"), 101).unwrap_err();
        assert_eq!((refused.retry_in, refused.charge.remaining), (None, 100));
    }
}
