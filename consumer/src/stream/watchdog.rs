use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);

/// Notices a consumer that has messages to read but gets none.
///
/// It barks once for one lag: what only looks like a message, such as a transaction's marker, would else set it off for
/// ever.
#[derive(Debug, Default)]
pub(super) struct Watchdog {
    since: Option<Instant>,
    lag: i64,
    excused: Option<i64>,
}

impl Watchdog {
    /// Something was read or applied.
    pub(super) fn progress(&mut self) {
        self.since = None;
        self.excused = None;
    }

    /// How much there is to read.
    pub(super) fn lag(&mut self, messages: i64) {
        self.lag = messages;
    }

    /// Whether nothing has moved for too long, although there is something to read and nothing holds it back.
    pub(super) fn barks(&mut self, now: Instant, excused: bool) -> bool {
        if self.lag == 0 || excused || self.excused == Some(self.lag) {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since) < LIMIT {
            return false;
        }
        self.excused = Some(self.lag);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Instants by tenths of the limit.
    fn clock() -> impl Fn(u32) -> Instant {
        let begin = Instant::now();
        move |tenths| begin + LIMIT / 10 * tenths
    }

    #[test]
    fn barks_once_after_standing_still_with_lag() {
        let at = clock();
        let mut watchdog = Watchdog::default();
        assert!(!watchdog.barks(at(0), false) && !watchdog.barks(at(40), false));
        watchdog.lag(3);
        assert!(!watchdog.barks(at(40), false) && !watchdog.barks(at(49), false));
        assert!(watchdog.barks(at(50), false));
        assert!(!watchdog.barks(at(70), false) && !watchdog.barks(at(100), false));
        watchdog.lag(4);
        assert!(!watchdog.barks(at(100), false));
        assert!(watchdog.barks(at(111), false));
    }

    #[test]
    fn progress_and_excuses_start_it_over() {
        let at = clock();
        let mut watchdog = Watchdog::default();
        watchdog.lag(3);
        assert!(
            !watchdog.barks(at(0), false) && !watchdog.barks(at(8), true) && !watchdog.barks(at(12), false)
        );
        watchdog.progress();
        assert!(
            !watchdog.barks(at(20), false) && !watchdog.barks(at(29), false) && watchdog.barks(at(30), false)
        );
    }
}
