//! What a run could not do for real, so that its last lines say so.

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

    /// What tests wrote.
    ///
    /// # Errors
    /// It is gone.
    pub fn lines(&self) -> anyhow::Result<Vec<String>> {
        Ok(fs::read_to_string(&self.path)?.lines().map(str::to_owned).collect())
    }
}

/// Says, past the test runner's capturing, that `test` did not check what it is there for, and why.
pub fn not_for_real(test: &str, why: &str) {
    let line = format!("{test}: {why}\n");
    // A run whose standard error is closed has nobody to tell.
    let _ = io::stderr().write_all(format!("NOT RUN FOR REAL: {line}").as_bytes());
    let report =
        env::var_os(Report::VARIABLE).and_then(|path| OpenOptions::new().append(true).open(path).ok());
    if let Some(mut report) = report {
        let _ = report.write_all(line.as_bytes());
    }
}
