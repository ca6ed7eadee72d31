//! What a server runs in, with the faults that tests cause.

use crate::system::container::Container;
use crate::system::process::Process;

/// A server's process, or its container.
#[derive(Debug)]
pub enum Host {
    /// A child process.
    Process(Box<Process>),
    /// A container of a Docker engine.
    Container(Container),
}

impl Host {
    /// Starts it, for the first time or again, with the same port and data.
    ///
    /// # Errors
    /// The program or the image is missing.
    pub fn start(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Process(process) => process.start(),
            Self::Container(container) => container.start(),
        }
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Process(process) => process.kill(),
            Self::Container(container) => container.kill(),
        }
    }

    /// Makes it hang: connections stay open, nothing is answered.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self) -> anyhow::Result<()> {
        match self {
            Self::Process(process) => process.freeze().map(drop),
            Self::Container(container) => container.freeze(),
        }
    }

    /// Undoes [`Self::freeze`].
    ///
    /// # Errors
    /// It does not run.
    pub fn thaw(&self) -> anyhow::Result<()> {
        match self {
            Self::Process(process) => process.thaw(),
            Self::Container(container) => container.thaw(),
        }
    }

    /// An error with the end of its log, if it ended by itself.
    ///
    /// # Errors
    /// It ended.
    pub fn require_running(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Process(process) => process.require_running(),
            Self::Container(container) => container.require_running(),
        }
    }
}
