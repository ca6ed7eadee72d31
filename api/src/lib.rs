//! The gateway: GraphQL over HTTP, WebSockets and event streams, and the pages that come with it.
//!
//! Only this crate knows the GraphQL library and the HTTP server.

mod addresses;
mod auth;
mod budget;
mod documents;
mod error;
mod execution;
mod export;
mod gateway;
mod graphql;
mod guard;
mod http;
mod json;
mod networks;
mod origins;
mod response_cache;
mod settings;
mod telemetry;
mod ws;

pub use auth::{InvalidKey, JwtKey, JwtSettings, KeySet, KeySource};
pub use documents::{InvalidManifest, TrustedDocuments};
pub use error::ErrorCode;
pub use gateway::{Gateway, Readiness, RenderMetrics};
pub use http::{Front, Peer, router};
pub use networks::Networks;
pub use origins::Origins;
pub use settings::{Auth, Limits, Settings};
pub use telemetry::{client_stalled, describe as describe_metrics};

/// The schema in the schema definition language, with all descriptions.
#[must_use]
pub fn sdl() -> String {
    graphql::sdl()
}

/// Panics where the scan in front of the parser breaks its promise about `document`. There for the fuzz target alone.
#[cfg(fuzzing)]
pub fn keep_scan_promise(document: &str) {
    guard::promise::keep(document);
}
