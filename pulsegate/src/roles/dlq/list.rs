use std::{collections::BTreeMap, fmt::Write as _, io, ops::ControlFlow, sync::Arc};

use consumer::dead_letter::{Letter, Letters, Place};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Error, origin, payload, print};
use crate::{cli::dlq::Filter, failure::Failure, roles::table::table};

/// The newest letters. Partitions have no order among themselves, so it goes by the time of the failure.
#[derive(Default)]
struct Newest {
    letters: BTreeMap<(Option<String>, Place), Letter>,
    /// Those that there was no room for.
    older: u64,
}

impl Newest {
    fn keep(&mut self, mut letter: Letter, limit: usize) {
        // It is not shown, and there may be many.
        letter.payload = None;
        self.letters.insert((letter.failed_at.clone(), letter.place), letter);
        if self.letters.len() > limit {
            self.letters.pop_first();
            self.older += 1;
        }
    }
}

pub(super) async fn list(
    letters: Arc<Letters>,
    limit: usize,
    chosen: Filter,
    json: bool,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let stop = stop.clone();
    let newest = tokio::task::spawn_blocking(move || {
        let mut newest = Newest::default();
        letters.list(|letter| {
            if chosen.chooses(&letter) {
                newest.keep(letter, limit);
            }
            if stop.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(newest)
    });
    let newest = newest.await?.map_err(Error::Unreadable)?;
    let letters = newest.letters.values();
    let mut text = String::new();
    if json {
        for letter in letters {
            writeln!(text, "{}", line(letter)).map_err(io::Error::other)?;
        }
    } else if newest.letters.is_empty() {
        text.push_str("no dead letters\n");
    } else {
        text = table(["PLACE", "ORIGIN", "CODE", "FAILED AT", "ERROR"], letters.map(row));
        if newest.older > 0 {
            writeln!(text, "{} older ones: --limit shows more", newest.older).map_err(io::Error::other)?;
        }
    }
    Ok(print(&text)?)
}

fn row(letter: &Letter) -> [String; 5] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        letter.place.to_string(),
        origin(letter),
        text(&letter.code),
        text(&letter.failed_at),
        text(&letter.error),
    ]
}

fn line(letter: &Letter) -> serde_json::Value {
    json!({
        "place": letter.place.to_string(),
        "topic": letter.topic,
        "partition": letter.origin.map(|place| place.partition),
        "offset": letter.origin.map(|place| place.offset),
        "code": letter.code,
        "error": letter.error,
        "attempts": letter.attempts,
        "failedAt": letter.failed_at,
        "key": letter.key.as_deref().map(payload::text),
    })
}
