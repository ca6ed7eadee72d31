//! What the consumer needs of the service, so that its tests can do without a database.

use std::{
    collections::{HashMap, HashSet},
    error::Error as _,
    fmt,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use service::{
    ErrorKind, Service,
    domain::EventId,
    ingest::{Applied, Batch, Commit, Place, Position},
};

/// A topic and the number of one of its partitions.
pub(crate) type Partition = (Arc<str>, i32);

/// What the service could not do, with all that it says about the cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub kind: ErrorKind,
    /// For operators.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self { kind: error.kind(), text }
    }
}

/// Where facts are applied and positions kept.
pub(crate) trait Store: Clone + Send + Sync + 'static {
    /// The current instant.
    fn now(&self) -> DateTime<Utc>;

    /// What is stored of each partition; absent where none was ever applied.
    fn positions(
        &self,
        cluster_id: &str,
        of: &[Partition],
    ) -> impl Future<Output = Result<HashMap<Partition, Place>, Failure>> + Send;

    /// Begins a new generation of partitions, and tells what is stored of them now.
    fn reset_positions(
        &self,
        cluster_id: &str,
        to: &[Position],
    ) -> impl Future<Output = Result<HashMap<Partition, Place>, Failure>> + Send;

    /// Applies a batch in one transaction.
    fn apply(&self, cluster_id: &str, batch: &Batch)
    -> impl Future<Output = Result<Applied, Failure>> + Send;

    /// The events whose stored counters can't take what a refused batch adds to them; possibly none, where it was
    /// refused for another reason.
    fn overfull(&self, batch: &Batch) -> impl Future<Output = Result<HashSet<EventId>, Failure>> + Send;

    /// Tells of commits; `false` where these or earlier ones could not be told yet.
    fn publish(&self, commits: &[Commit]) -> impl Future<Output = bool> + Send;

    /// Waits until all commits so far have been told.
    fn published(&self) -> impl Future<Output = ()> + Send;
}

impl Store for Arc<Service> {
    fn now(&self) -> DateTime<Utc> {
        Service::clock(self).now()
    }

    async fn positions(
        &self,
        cluster_id: &str,
        of: &[Partition],
    ) -> Result<HashMap<Partition, Place>, Failure> {
        Ok(Service::positions(self, cluster_id, of).await?)
    }

    async fn reset_positions(
        &self,
        cluster_id: &str,
        to: &[Position],
    ) -> Result<HashMap<Partition, Place>, Failure> {
        Ok(Service::reset_positions(self, cluster_id, to).await?)
    }

    async fn apply(&self, cluster_id: &str, batch: &Batch) -> Result<Applied, Failure> {
        Ok(Service::apply(self, cluster_id, batch).await?)
    }

    async fn overfull(&self, batch: &Batch) -> Result<HashSet<EventId>, Failure> {
        Ok(Service::overfull(self, batch).await?)
    }

    async fn publish(&self, commits: &[Commit]) -> bool {
        Service::publish(self, commits).await
    }

    async fn published(&self) {
        Service::published(self).await;
    }
}
