//! Believable events: Korean titles and channels, a daily rhythm, numbers that move.
//!
//! Everything is a function of the instant: the same second of the same plan always gives the same messages under the
//! same ids. So a demo that starts again goes on where it was, and what it says twice is a duplicate like any other.

mod campaign;
mod catalogue;
pub(crate) mod channel_api;
mod history;
mod message;
mod present;
mod producer;
mod rhythm;
mod run;
mod seed;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    campaign::Plan,
    producer::{Brake, Sink},
    run::{Progress, run},
};

/// Why the demo ended by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the demo can't reach Kafka: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    #[error("the demo made a message that is no JSON: {0}")]
    Json(#[from] serde_json::Error),
}
