use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::SmallRng};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(3);

/// Pauses between tries: doubling, up to 3 s, each drawn between a half and the whole, so that several consumers don't
/// come back to a recovering dependency at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    random: SmallRng,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: SmallRng::seed_from_u64(seed), next: FIRST }
    }

    /// How long to wait before the next try.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.random.random_range(self.next / 2..=self.next);
        self.next = (self.next * 2).min(LONGEST);
        pause
    }

    /// The next pause is short again.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_start_over() {
        let mut backoff = Backoff::new(7);
        let pauses: Vec<_> = (0..12).map(|_| backoff.pause()).collect();
        assert!(pauses[0] >= FIRST / 2 && pauses[0] <= FIRST);
        assert!(pauses[10] >= LONGEST / 2 && pauses.iter().all(|pause| *pause <= LONGEST));
        assert_ne!(pauses[10], pauses[11]);
        backoff.reset();
        assert!(backoff.pause() <= FIRST);
    }
}
