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
    let told = |text: &Option<String>| text.as_deref().map_or_else(absent, plain);
    let bytes = |bytes: &Option<Vec<u8>>| bytes.as_deref().map_or_else(absent, payload::text);
    let mut lines = vec![
        format!("place      {}", letter.place),
        format!("origin     {}", plain(&origin(letter))),
        format!("code       {}", told(&letter.code)),
        format!("error      {}", told(&letter.error)),
        format!("attempts   {}", letter.attempts),
        format!("failed at  {}", told(&letter.failed_at)),
        format!("key        {}", bytes(&letter.key)),
    ];
    lines.extend(
        letter.headers.iter().map(|(name, value)| format!("header     {}: {}", plain(name), bytes(value))),
    );
    lines.push(String::new());
    lines.push(match (&letter.payload, letter.omitted) {
        (Some(bytes), _) => payload::pretty(bytes),
        (None, Some(bytes)) => format!(
            "its {bytes} bytes were too many for the dead-letter topic; they lie at {} only",
            plain(&origin(letter))
        ),
        (None, None) => "no payload".to_owned(),
    });
    lines.push(String::new());
    lines.join("\n")
}

fn absent() -> String {
    "-".to_owned()
}
