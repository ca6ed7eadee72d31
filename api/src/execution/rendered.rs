use bytes::Bytes;

use super::Answer;
use crate::{
    budget::Bill,
    error::{ErrorCode, Fault},
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
    pub(crate) bytes: Bytes,
    pub(crate) outcome: Outcome,
    /// What the operation was charged, where it got so far.
    pub(crate) bill: Option<Bill>,
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

impl From<Answer> for Rendered {
    fn from(answer: Answer) -> Self {
        let outcome = match answer.code() {
            None => Outcome::Complete,
            Some(code) if answer.is_refusal() => Outcome::Refused(code),
            Some(_) => Outcome::Partial,
        };
        // Answers hold text keys and finite numbers only, so there is nothing that could not be written.
        let bytes = serde_json::to_vec(&answer).unwrap_or_default();
        Self { bytes: bytes.into(), outcome, bill: answer.bill().copied() }
    }
}
