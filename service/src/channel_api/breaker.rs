use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::BreakerState;

/// Keeps callers from what keeps failing.
///
/// Closed it lets every call through; so many failures in a row open it. Open it lets none through; after a while it is
/// half-open and lets one through, whose outcome closes or opens it again. Time is a parameter.
pub(super) struct Breaker {
    failures: u32,
    open_for: Duration,
    inner: Mutex<Inner>,
}

struct Inner {
    phase: Phase,
    /// Counts the changes of phase: a call that began in another one says nothing about this one.
    era: u64,
}

#[derive(Clone, Copy)]
enum Phase {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen { on_trial: bool },
}

/// Leave for one call. One that is dropped without an outcome has not taken place.
pub(super) struct Permit {
    breaker: Arc<Breaker>,
    era: u64,
    is_settled: bool,
}

impl Breaker {
    /// A closed one, that `failures` in a row open for `open_for`.
    pub(super) fn new(failures: u32, open_for: Duration) -> Self {
        let inner = Inner { phase: Phase::Closed { failures: 0 }, era: 0 };
        Self { failures: failures.max(1), open_for, inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next call would meet.
    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match self.inner().phase {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { until } if now < until => BreakerState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// How long it lets nobody through.
    pub(super) fn open_for(&self, now: Instant) -> Option<Duration> {
        match self.inner().phase {
            Phase::Open { until } => until.checked_duration_since(now).filter(|left| !left.is_zero()),
            _ => None,
        }
    }

    /// Leave to call, if there is any now.
    pub(super) fn ask(self: &Arc<Self>, now: Instant) -> Option<Permit> {
        let mut inner = self.inner();
        match inner.phase {
            Phase::Closed { .. } => {}
            Phase::Open { until } if now < until => return None,
            Phase::HalfOpen { on_trial: true } => return None,
            Phase::Open { .. } => inner.begin(Phase::HalfOpen { on_trial: true }),
            Phase::HalfOpen { on_trial: false } => inner.phase = Phase::HalfOpen { on_trial: true },
        }
        Some(Permit { breaker: Arc::clone(self), era: inner.era, is_settled: false })
    }
}

impl Inner {
    fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.era += 1;
    }
}

impl Permit {
    /// The call succeeded.
    pub(super) fn succeeded(mut self) {
        self.is_settled = true;
        let mut inner = self.breaker.inner();
        if inner.era != self.era {
            return;
        }
        match inner.phase {
            Phase::Closed { .. } => inner.phase = Phase::Closed { failures: 0 },
            Phase::Open { .. } | Phase::HalfOpen { .. } => inner.begin(Phase::Closed { failures: 0 }),
        }
    }

    /// The call failed.
    pub(super) fn failed(mut self, now: Instant) {
        self.is_settled = true;
        let mut inner = self.breaker.inner();
        if inner.era != self.era {
            return;
        }
        let until = now + self.breaker.open_for;
        match inner.phase {
            Phase::Closed { failures } if failures + 1 < self.breaker.failures => {
                inner.phase = Phase::Closed { failures: failures + 1 };
            }
            _ => inner.begin(Phase::Open { until }),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = self.breaker.inner();
        if !self.is_settled && inner.era == self.era && matches!(inner.phase, Phase::HalfOpen { .. }) {
            inner.phase = Phase::HalfOpen { on_trial: false };
        }
    }
}

#[cfg(test)]
mod tests {
    use BreakerState::{Closed, HalfOpen, Open};

    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> (Arc<Breaker>, Instant) {
        (Arc::new(Breaker::new(3, OPEN_FOR)), Instant::now())
    }

    /// Opens it at an instant.
    fn open(breaker: &Arc<Breaker>, at: Instant) {
        for _ in 0..3 {
            breaker.ask(at).unwrap().failed(at);
        }
        assert_eq!(breaker.state(at), Open);
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let (breaker, now) = breaker();
        for _ in 0..10 {
            breaker.ask(now).unwrap().failed(now);
            breaker.ask(now).unwrap().failed(now);
            breaker.ask(now).unwrap().succeeded();
        }
        assert_eq!(breaker.state(now), Closed);
        open(&breaker, now);
    }

    #[test]
    fn its_whole_life() {
        let (breaker, start) = breaker();
        open(&breaker, start);
        let almost = start + OPEN_FOR - Duration::from_nanos(1);
        assert!(breaker.ask(almost).is_none());
        assert_eq!((breaker.state(almost), breaker.open_for(start + SECOND)), (Open, Some(29 * SECOND)));

        let trial_at = start + OPEN_FOR;
        assert_eq!((breaker.state(trial_at), breaker.open_for(trial_at)), (HalfOpen, None));
        let trial = breaker.ask(trial_at).unwrap();
        assert!(breaker.ask(trial_at + SECOND).is_none(), "one at a time");
        trial.failed(trial_at + SECOND);
        assert_eq!(breaker.state(trial_at + OPEN_FOR), Open, "counted from the end of the trial");
        assert!(breaker.ask(trial_at + OPEN_FOR).is_none());

        let again = trial_at + SECOND + OPEN_FOR;
        breaker.ask(again).unwrap().succeeded();
        assert_eq!(breaker.state(again), Closed);
        breaker.ask(again).unwrap().failed(again);
        breaker.ask(again).unwrap().failed(again);
        assert_eq!(breaker.state(again), Closed, "it counts from the beginning");
    }

    #[test]
    fn a_trial_that_is_given_up_leaves_room_for_another() {
        let (breaker, start) = breaker();
        open(&breaker, start);
        drop(breaker.ask(start + OPEN_FOR).unwrap());
        assert_eq!(breaker.state(start + OPEN_FOR), HalfOpen);
        breaker.ask(start + OPEN_FOR).unwrap().succeeded();
        assert_eq!(breaker.state(start + OPEN_FOR), Closed);
    }

    #[test]
    fn late_outcomes_of_earlier_calls_are_not_heard() {
        let (breaker, start) = breaker();
        let (slow, slower) = (breaker.ask(start).unwrap(), breaker.ask(start).unwrap());
        open(&breaker, start);
        slow.succeeded();
        assert_eq!(breaker.state(start), Open);
        let trial = breaker.ask(start + OPEN_FOR).unwrap();
        slower.failed(start + OPEN_FOR);
        assert_eq!(breaker.state(start + OPEN_FOR), HalfOpen);
        trial.succeeded();
        assert_eq!(breaker.state(start + OPEN_FOR), Closed);
    }
}
