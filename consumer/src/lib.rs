//! Kafka: reading what other services say, handing it to the service in transactions, dead-lettering what can't be
//! applied, keeping positions.
//!
//! Only this crate knows the Kafka client.
//!
//! | module | does |
//! |---|---|
//! | [`message`] | from a record's bytes to a fact, or to a named reason why not |
//! | `stream` | reading as a member of the group, batches, errors by kind, positions |
//! | [`dead_letter`] | the dead-letter topic: writing, listing, sending back |
//! | [`rebuild`] | recomputing the tables from Kafka's beginning |
//! | `topics` | making topics that are not there |
//! | `trace` | going on with the traces of messages |
//! | `client` | librdkafka's settings, and which of them the protocol rests on |

mod backoff;
mod client;
pub mod dead_letter;
mod error;
pub mod message;
mod metrics;
pub mod rebuild;
mod record;
mod settings;
mod state;
mod store;
mod stream;
mod topics;
mod trace;
mod watermarks;

use std::sync::Arc;

use service::Service;
use tokio_util::sync::CancellationToken;

pub use self::{
    error::Error,
    metrics::describe as describe_metrics,
    settings::{Settings, Topics},
    state::{ConsumerState, Monitor},
    store::Failure,
    topics::{TopicState, look as look_for_topics},
};

/// Reads the three topics and applies what they say, until `stop` is cancelled. Waits for whatever is away, broker or
/// database, and keeps its place in the group meanwhile.
///
/// # Errors
/// Where waiting does not help: settings that can't be used, or a store that says so.
pub async fn run(
    service: Arc<Service>,
    settings: Settings,
    monitor: Monitor,
    stop: CancellationToken,
) -> Result<(), Error> {
    stream::run(service, settings, monitor, stop).await
}
