//! Private temporary directories.

use std::os::unix::fs::chown;
use std::path::Path;

use anyhow::Context as _;
use tempfile::TempDir;

use crate::system::user::User;
use crate::system::watchdog::{self, Charge};

/// A directory that only its owner can enter; deleted with this value, or with this process.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// # Errors
    /// The system's directory for temporary files (`TMPDIR`) can't be written.
    pub fn new() -> anyhow::Result<Self> {
        Self::owned_by(None)
    }

    /// A directory of another user's, where this process may give it away.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn owned_by(user: Option<User>) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("pulsegate-")
            .tempdir()
            .context("can't make a temporary directory (is TMPDIR writable?)")?;
        watchdog::register(&Charge::Directory(directory.path()))?;
        if let Some(user) = user {
            chown(directory.path(), Some(user.id), Some(user.group))?;
        }
        Ok(Self { directory })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = watchdog::release(&Charge::Directory(self.path()));
    }
}
