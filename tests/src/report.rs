//! What a run did and could not do for real, so that its last line says so.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::system::scratch::Scratch;

/// Lines that tests leave for whoever started them.
#[derive(Debug)]
pub struct Report {
    path: PathBuf,
    _directory: Scratch,
}

impl Report {
    /// Tells tests where to write.
    pub const VARIABLE: &str = "TEST_REPORT";

    /// An empty report.
    ///
    /// # Errors
    /// There is no place for temporary files.
    pub fn new() -> anyhow::Result<Self> {
        let directory = Scratch::new()?;
        let path = directory.path().join("report");
        fs::write(&path, "")?;
        Ok(Self { path, _directory: directory })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tests wrote, to stand after the servers' part of a run's last line.
    ///
    /// # Errors
    /// It is gone.
    pub fn summary(&self) -> anyhow::Result<String> {
        Ok(summary(&fs::read_to_string(&self.path)?))
    }
}

const REAL: &str = "real: ";
const MISSING: &str = "missing: ";

fn summary(report: &str) -> String {
    let of = |kind: &'static str| report.lines().filter_map(move |line| line.strip_prefix(kind));
    let real = of(REAL).map(|part| format!(", {part}"));
    let missing = of(MISSING).map(|line| format!(" -- NOT RUN FOR REAL: {line}"));
    real.chain(missing).collect()
}

fn write(kind: &str, line: &str) {
    let report =
        env::var_os(Report::VARIABLE).and_then(|path| OpenOptions::new().append(true).open(path).ok());
    if let Some(mut report) = report {
        // One call per line: tests write side by side.
        let _ = report.write_all(format!("{kind}{line}\n").as_bytes());
    }
}

/// Names something real, beside the servers, that a test ran with.
pub fn real(part: &str) {
    write(REAL, part);
}

/// Says, past the test runner's capturing, that `test` did not check what it is there for, and why.
pub fn not_for_real(test: &str, why: &str) {
    // A run whose standard error is closed has nobody to tell.
    let _ = io::stderr().write_all(format!("NOT RUN FOR REAL: {test}: {why}\n").as_bytes());
    write(MISSING, &format!("{test}: {why}"));
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn what_was_real_comes_first_and_what_was_not_last() {
        assert_eq!(summary(""), "");
        assert_eq!(
            summary("missing: torture: no broker\nreal: Chromium 143\n"),
            ", Chromium 143 -- NOT RUN FOR REAL: torture: no broker"
        );
    }
}
