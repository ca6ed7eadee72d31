use std::{io, net::SocketAddr};

use consumer::rebuild::RebuildError;

use crate::{
    config::{Mistake, Mistakes},
    demo,
    embedded::{kafka, postgres},
    roles::dlq,
};

/// Why the process ends with an exit code other than 0. Each text is one line and says what to do where that is known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Exit code 2.
    #[error("{0}")]
    Mistakes(Mistakes),
    #[error("pulsegate: {address} can't be listened on ({fault}): {variable} chooses another address")]
    Listen { address: SocketAddr, variable: &'static str, fault: io::Error },
    #[error("pulsegate: {0}")]
    Postgres(#[from] postgres::Error),
    #[error("pulsegate: {0}")]
    Kafka(#[from] kafka::Error),
    #[error("pulsegate: the consumer ended: {0}")]
    Consumer(#[from] consumer::Error),
    #[error("pulsegate: {0}")]
    DeadLetters(#[from] dlq::Error),
    #[error("pulsegate: {0}")]
    Rebuild(#[from] RebuildError),
    #[error("pulsegate: {events} events differ from what Kafka's messages give")]
    Differs { events: u64 },
    #[error(
        "pulsegate: the tables are right, but the cache or the bus is away: what was read before may be shown for an hour"
    )]
    Untold,
    #[error("pulsegate: {failed} of {checked} checks failed")]
    Unfit { failed: usize, checked: usize },
    #[error("pulsegate: nothing was revoked: {0}")]
    Revocation(service::Error),
    #[error("pulsegate: {0}")]
    Demo(#[from] demo::Error),
    #[error("pulsegate: {0}")]
    Migration(#[from] crate::migrations::Error),
    #[error("pulsegate: the embedded database ended by itself ({0})")]
    DatabaseEnded(std::process::ExitStatus),
    #[error("pulsegate: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    #[error("pulsegate: HTTP_TLS_CERT_FILE, HTTP_TLS_KEY_FILE: {0}")]
    Tls(#[from] crate::tls::Unusable),
    #[error("pulsegate: {0}")]
    Io(#[from] io::Error),
    #[error("pulsegate: a part of it broke down: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl Failure {
    pub(crate) const fn exit_code(&self) -> u8 {
        if matches!(self, Self::Mistakes(_)) { 2 } else { 1 }
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        Self::Mistakes(mistakes)
    }
}

impl From<service::Error> for Failure {
    /// The service is made of two addresses, so it can only fail for one of them.
    fn from(fault: service::Error) -> Self {
        Self::Mistakes(match fault {
            service::Error::Address { variable, reason } => {
                Mistake::new(variable, format!("can't be read; {reason}")).into()
            }
            other => Mistake::new("DATABASE_URL", other.to_string()).into(),
        })
    }
}
