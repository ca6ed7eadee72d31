//! Errors as clients see them: a code of the contract, a message that says what to do, and nothing from inside.

mod code;
mod fault;
mod reporter;

pub use code::ErrorCode;
pub(crate) use fault::Fault;
pub(crate) use reporter::Reporter;
