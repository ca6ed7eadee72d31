use std::sync::Arc;

use metrics::Counter;
use service::Holds;

use super::Answer;
use crate::{
    budget::Bill,
    error::{ErrorCode, Fault},
    response_cache::Finished,
};

/// How a request came out, as far as a transport has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Executed, without any error.
    Complete,
    /// Executed, with errors.
    Partial,
    /// Not executed.
    Refused(ErrorCode),
    /// Not executed, because it writes and came in a way that only reads.
    Unsafe,
}

/// A finished answer: the bytes that go over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    pub(crate) body: Arc<Finished>,
    pub(crate) outcome: Outcome,
    /// What the operation was charged, where it got so far.
    pub(crate) bill: Option<Bill>,
    /// How long it is the answer to the same request of the same viewer, where it may be kept for that.
    pub(crate) holds: Option<Holds>,
    /// What counts it when it is given again.
    pub(crate) recalls: Counter,
}

impl Rendered {
    /// To what is no request at all.
    pub(crate) fn refused(fault: Fault) -> Self {
        Self::from(Answer::refused(fault))
    }

    /// To a mutation that came over GET.
    pub(super) fn not_here() -> Self {
        let message = "Mutations are not executed over GET: use POST.";
        let refused = Self::refused(Fault::new(ErrorCode::BadUserInput, message));
        Self { outcome: Outcome::Unsafe, ..refused }
    }
}

/// What came of an operation.
pub(super) struct Executed {
    pub(super) answer: Answer,
    /// How long it is the answer to the same request of the same viewer, where it may be kept for that.
    pub(super) holds: Option<Holds>,
    /// What counts it when it is given again.
    pub(super) recalls: Counter,
}

impl From<Answer> for Executed {
    fn from(answer: Answer) -> Self {
        Self { answer, holds: None, recalls: Counter::noop() }
    }
}

impl From<Answer> for Rendered {
    fn from(answer: Answer) -> Self {
        Executed::from(answer).into()
    }
}

impl From<Executed> for Rendered {
    fn from(executed: Executed) -> Self {
        let Executed { answer, holds, recalls } = executed;
        let outcome = match answer.code() {
            None => Outcome::Complete,
            Some(code) if answer.is_refusal() => Outcome::Refused(code),
            Some(_) => Outcome::Partial,
        };
        let body = Arc::new(answer.json().into());
        Self { body, outcome, bill: answer.bill().copied(), holds, recalls }
    }
}
