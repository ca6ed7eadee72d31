//! The domain of Pulsegate: what the numbers mean, how they are written, read, cached and followed live.
//!
//! Only this crate knows SQL and Redis.

mod bounded;
mod cache;
pub mod channel_api;
pub mod clock;
mod cursor;
mod documents;
pub mod domain;
mod error;
pub mod fault;
pub mod ingest;
pub mod live;
pub mod metrics;
mod provenance;
pub mod read;
mod readers;
pub mod rebuild;
mod redis;
pub mod revocation;
mod service;
pub mod timeline;
pub mod trace;
mod upkeep;

pub use bounded::by_bytes;
pub use cursor::CursorError;
pub use documents::DocumentHash;
pub use error::{Error, ErrorKind};
pub use provenance::{Holds, Origin, Provenance};
pub use readers::{Misfit, describe_metrics};
pub use service::{Connections, Health, Service, Settings};
pub use upkeep::Upkeep;
