//! Names that no other test, and no other run, has.

use std::hash::{BuildHasher as _, RandomState};

/// A number from the operating system's randomness.
#[must_use]
pub fn number() -> u64 {
    RandomState::new().hash_one(0_u8)
}

/// Sixteen lower-case hexadecimal digits; fit for a database, a topic or a part of an event id.
#[must_use]
pub fn name() -> String {
    format!("{:016x}", number())
}
