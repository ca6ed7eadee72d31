use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A follower's own pace: at most one update in a time that it has chosen.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// Drawings keep the same pace. Whoever is sent a state a little after it was shown is not made to wait that much
    /// longer for the next one: a timer for each of thousands of viewers would cost more than it orders.
    slack: Duration,
    next: Instant,
}

/// One update more than asked for in sixteen times the interval, at the most.
const SLACK_DIVISOR: u32 = 16;
const MOST_SLACK: Duration = Duration::from_millis(20);

impl Pace {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, slack: (interval / SLACK_DIVISOR).min(MOST_SLACK), next: Instant::now() }
    }

    /// An update was taken that has been there since `shown_at`.
    pub(super) fn sent(&mut self, shown_at: Instant) {
        let now = Instant::now();
        let since = shown_at.max(now.checked_sub(self.slack).unwrap_or(now)).min(now);
        self.next = since + self.interval;
    }

    /// Waits until the next one may be sent.
    pub(super) async fn keep(&self) {
        if Instant::now() < self.next {
            sleep_until(self.next).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_lateness_is_not_added_up() {
        let mut pace = Pace::new(Duration::from_millis(160));
        let now = Instant::now();
        pace.sent(now);
        assert!(pace.next >= now + Duration::from_millis(160));
        let long_ago = now.checked_sub(Duration::from_secs(5)).unwrap();
        pace.sent(long_ago);
        assert!(pace.next >= now + Duration::from_millis(150), "a state may be old; when it was sent counts");
    }
}
