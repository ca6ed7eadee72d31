//! Whether something is away.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A part that is back is found again by and by.
const AFTERMATH: Duration = Duration::from_secs(10);

/// Since when nothing is away.
#[derive(Debug, Default)]
pub(crate) struct Calm(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Always,
    Away,
    Since(Instant),
}

impl Calm {
    fn set(&self, state: State) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Something is away from now on.
    pub(crate) fn end(&self) {
        self.set(State::Away);
    }

    /// All is there again.
    pub(crate) fn begin(&self) {
        self.set(State::Since(Instant::now()));
    }

    /// Whether all was there at `instant` and for a while before.
    pub(crate) fn at(&self, instant: Instant) -> bool {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Always => true,
            State::Away => false,
            State::Since(since) => instant >= since + AFTERMATH,
        }
    }
}
