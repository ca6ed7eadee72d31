//! An update before it is made: from which state to which. Followers who go the same step get the same update, so it
//! has to be made, and written, once.

/// Names a step of one stream in this process: the state that was seen before, if any, and the one that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepKey {
    pub(super) from: Option<u64>,
    pub(super) to: u64,
}

/// What a follower has seen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen<S> {
    /// Nothing.
    Nothing,
    /// What a cursor says, which may be from another process.
    Elsewhere(S),
    /// A state of this process.
    Here { number: u64, state: S },
}

impl<S: Copy> Seen<S> {
    pub(super) fn state(&self) -> Option<S> {
        match self {
            Self::Nothing => None,
            Self::Elsewhere(state) | Self::Here { state, .. } => Some(*state),
        }
    }

    /// Whether it is a state of this process.
    pub(super) const fn is_here(&self) -> bool {
        matches!(self, Self::Here { .. })
    }

    /// The step to a state; `None` where no other follower goes the same.
    pub(super) fn step_to(&self, to: u64) -> Option<StepKey> {
        match self {
            Self::Nothing => Some(StepKey { from: None, to }),
            Self::Elsewhere(_) => None,
            Self::Here { number, .. } => Some(StepKey { from: Some(*number), to }),
        }
    }
}

/// Commits between two counts of them, as a count for the client.
pub(super) fn commits_between(earlier: i64, later: i64) -> i32 {
    i32::try_from(later - earlier).unwrap_or(i32::MAX)
}
