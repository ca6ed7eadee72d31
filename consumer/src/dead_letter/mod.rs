//! Messages that can't be applied: where they go, and how they come back.

mod headers;
mod letters;
mod sender;

pub use letters::{Letter, Letters, Place};
pub(crate) use sender::Sender;

#[cfg(test)]
pub(crate) use headers::native as headers_for_tests;
