//! The dead-letter topic, for operators.

mod list;
mod payload;
mod retry;
mod show;

use std::sync::Arc;

use consumer::dead_letter::{Letter, Letters, Place};
use tokio_util::sync::CancellationToken;

use super::print;
use crate::{
    cli::dlq::{Dlq, Filter},
    failure::Failure,
};

/// Why a tool for dead letters could not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the dead-letter topic can't be read: {0}; KAFKA_BROKERS says where Kafka is")]
    Unreadable(consumer::Error),
    #[error("there is no letter at {0}: `pulsegate dlq list` shows the places")]
    NoSuchLetter(Place),
    #[error("Kafka does not take messages back: {fault}; {sent} of {chosen} were sent")]
    Refused { fault: consumer::Error, sent: usize, chosen: usize },
    #[error("{0} could not be sent back, for the reasons given")]
    Unfit(usize),
}

/// Does what is to be done.
pub(super) async fn dlq(
    task: Dlq,
    settings: consumer::Settings,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let letters = tokio::task::spawn_blocking(move || Letters::open(&settings)).await?;
    let letters = Arc::new(letters.map_err(Error::Unreadable)?);
    match task {
        Dlq::List { limit, chosen, json } => list::list(letters, limit, chosen, json, stop).await,
        Dlq::Show(place) => show::show(letters, place).await,
        Dlq::Retry(choice) => retry::retry(letters, choice, stop).await,
    }
}

impl Filter {
    fn chooses(&self, letter: &Letter) -> bool {
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        is(&self.topic, &letter.topic) && is(&self.code, &letter.code)
    }
}

/// Where a letter came from, `topic:partition:offset`.
fn origin(letter: &Letter) -> String {
    let topic = letter.topic.as_deref().unwrap_or("?");
    letter.origin.map_or_else(|| format!("{topic}:?"), |place| format!("{topic}:{place}"))
}
