//! A browser to look at the pages with.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::program;

/// Names the browser, where it isn't one of [`NAMES`].
pub const VARIABLE: &str = "CHROMIUM";
/// How Chromium is called here and there.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Where Chromium lies, if it is here.
#[must_use]
pub fn find() -> Option<PathBuf> {
    match env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        Some(named) => Some(named.into()),
        None => NAMES.into_iter().find_map(program::find),
    }
}

/// Its name and version, e.g. `Chromium 143.0.7499.40`.
///
/// # Errors
/// It can't be executed.
pub fn version(browser: &Path) -> anyhow::Result<String> {
    let printed = program::output(Command::new(browser).arg("--version"))?;
    let words: Vec<&str> = printed.split_whitespace().collect();
    let is_version = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    let end = words.iter().position(is_version).map_or(words.len(), |place| place + 1);
    Ok(words.get(..end).unwrap_or_default().join(" "))
}
