use rdkafka::error::KafkaError;

use crate::store::Failure;

/// Why the consumer stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting can't be used.
    #[error("{name} {reason}")]
    Setting {
        /// The variable.
        name: String,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// The client could not be made or asked.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// The store said that neither waiting nor another message helps.
    #[error("{0}")]
    Store(Failure),
    /// A part of the consumer ended without being asked to.
    #[error("the consumer's {0} ended unexpectedly")]
    Lost(&'static str),
}

impl Error {
    pub(crate) fn setting(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Setting { name: name.into(), reason: reason.into() }
    }
}
