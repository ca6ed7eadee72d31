//! The domain of Pulsegate: what the numbers mean, how they are written, read, cached and followed live.
//!
//! Only this crate knows SQL and Redis.

pub mod clock;
pub mod domain;
pub mod metrics;
pub mod timeline;
