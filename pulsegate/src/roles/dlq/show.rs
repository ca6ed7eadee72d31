use std::sync::Arc;

use consumer::dead_letter::{Letter, Letters, Place};

use super::{Error, origin, payload, print};
use crate::{failure::Failure, roles::table::plain};

pub(super) async fn show(letters: Arc<Letters>, place: Place) -> Result<(), Failure> {
    let letter = tokio::task::spawn_blocking(move || letters.show(place)).await?;
    let letter = letter.map_err(Error::Unreadable)?.ok_or(Error::NoSuchLetter(place))?;
    Ok(print(&text(&letter))?)
}

fn text(letter: &Letter) -> String {
    let none = || "-".to_owned();
    let told = |text: &Option<String>| text.as_deref().map_or_else(none, plain);
    let mut text = format!(
        "place      {}\norigin     {}\ncode       {}\nerror      {}\nattempts   {}\nfailed at  {}\nkey        {}\n",
        letter.place,
        plain(&origin(letter)),
        told(&letter.code),
        told(&letter.error),
        letter.attempts,
        told(&letter.failed_at),
        letter.key.as_deref().map_or_else(none, payload::text),
    );
    for (name, value) in &letter.headers {
        let value = value.as_deref().map_or_else(none, payload::text);
        text.push_str(&format!("header     {}: {value}\n", plain(name)));
    }
    match &letter.payload {
        Some(bytes) => text.push_str(&format!("\n{}\n", payload::pretty(bytes))),
        None => text.push_str("\nno payload\n"),
    }
    text
}
