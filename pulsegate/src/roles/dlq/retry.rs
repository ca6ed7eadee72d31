use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use consumer::dead_letter::{Letter, Letters, Place};
use futures_util::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Error, print};
use crate::{
    cli::dlq::{Choice, Filter},
    failure::Failure,
};

/// Messages on their way at a time.
const AT_A_TIME: usize = 64;

/// Sends the chosen ones back, each safe before it is told.
pub(super) async fn retry(
    letters: Arc<Letters>,
    choice: Choice,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let chosen = {
        let letters = Arc::clone(&letters);
        tokio::task::spawn_blocking(move || choose(&letters, choice)).await??
    };
    let count = chosen.len();
    let bar = bar(count);
    let (sender, mut read) = mpsc::channel(AT_A_TIME);
    let reading = {
        let letters = Arc::clone(&letters);
        tokio::task::spawn_blocking(move || hand_out(&letters, &chosen, &sender))
    };
    let mut sending = stream::poll_fn(move |context| read.poll_recv(context))
        .take_until(stop.cancelled())
        .map(|letter| send_back(&letters, letter))
        .buffered(AT_A_TIME)
        .boxed();
    let (mut sent, mut unfit) = (0, 0);
    while let Some((letter, outcome)) = sending.next().await {
        bar.inc(1);
        let told = match outcome {
            Ok(()) => {
                sent += 1;
                format!("{} sent to {}\n", letter.place, letter.topic.unwrap_or_default())
            }
            Err(fault @ consumer::Error::Setting { .. }) => {
                unfit += 1;
                format!("{} not sent: {fault}\n", letter.place)
            }
            Err(fault) => {
                bar.finish_and_clear();
                return Err(Error::Refused { fault, sent, chosen: count }.into());
            }
        };
        bar.suspend(|| print(&told))?;
    }
    drop(sending);
    bar.finish_and_clear();
    reading.await?.map_err(Error::Unreadable)?;
    print(&format!("sent {sent} of {count} back\n"))?;
    if unfit > 0 { Err(Error::Unfit(unfit).into()) } else { Ok(()) }
}

async fn send_back(letters: &Letters, letter: Letter) -> (Letter, Result<(), consumer::Error>) {
    let outcome = letters.retry(&letter).await;
    (letter, outcome)
}

/// The places of all that is meant, before anything is sent: what is sent back may come again as a new letter.
fn choose(letters: &Letters, choice: Choice) -> Result<BTreeSet<Place>, Error> {
    match choice {
        Choice::Places(places) => {
            for place in &places {
                letters.show(*place).map_err(Error::Unreadable)?.ok_or(Error::NoSuchLetter(*place))?;
            }
            Ok(places.into_iter().collect())
        }
        Choice::All(filter) => all(letters, &filter).map_err(Error::Unreadable),
    }
}

fn all(letters: &Letters, filter: &Filter) -> Result<BTreeSet<Place>, consumer::Error> {
    let mut places = BTreeSet::new();
    letters.list(|letter| {
        if filter.chooses(&letter) {
            places.insert(letter.place);
        }
        ControlFlow::Continue(())
    })?;
    Ok(places)
}

/// Reads the letters once more, in order. Ends early where nobody takes them any more.
fn hand_out(
    letters: &Letters,
    chosen: &BTreeSet<Place>,
    sender: &mpsc::Sender<Letter>,
) -> Result<(), consumer::Error> {
    let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else { return Ok(()) };
    // A few are looked up; many are read through.
    if chosen.len() <= AT_A_TIME {
        for place in chosen {
            let Some(letter) = letters.show(*place)? else { continue };
            if sender.blocking_send(letter).is_err() {
                break;
            }
        }
        return Ok(());
    }
    letters.list(|letter| {
        let wanted = (first..=last).contains(&&letter.place) && chosen.contains(&letter.place);
        if wanted && sender.blocking_send(letter).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })
}

/// Shown on a terminal only.
fn bar(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64);
    // The template is part of this file.
    if let Ok(style) = ProgressStyle::with_template("sending back {wide_bar} {pos} of {len}") {
        bar.set_style(style);
    }
    bar
}
