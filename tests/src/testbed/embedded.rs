//! The product as it is without any configuration.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use anyhow::ensure;

use super::pulsegate::{Pulsegate, Role};
use crate::system::scratch::Scratch;

/// `pulsegate` with its embedded parts and its demo, on a port and in a directory of its own.
#[derive(Debug)]
pub struct Embedded {
    pulsegate: Pulsegate,
    _data: Scratch,
}

impl Embedded {
    /// Starts it; returns when it says that it is ready. Its demo is on the way then.
    ///
    /// # Errors
    /// As for [`Self::restart`].
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    /// As [`Self::start`], with further variables.
    ///
    /// # Errors
    /// As for [`Self::restart`].
    pub async fn start_with(variables: &[(&str, String)]) -> anyhow::Result<Self> {
        let data = Scratch::new()?;
        // PostgreSQL's unprivileged user has to pass through.
        set_permissions(data.path(), Permissions::from_mode(0o755))?;
        let directory = data.path().join("data").to_string_lossy().into_owned();
        let environment = [&[("DATA_DIR", directory)], variables].concat();
        let pulsegate = Pulsegate::start(Role::Serve, &environment).await?;
        Ok(Self { pulsegate, _data: data })
    }

    /// Where it answers, e.g. `http://127.0.0.1:20123`.
    #[must_use]
    pub fn base(&self) -> &str {
        self.pulsegate.base()
    }

    /// Ends it as an operator would and starts it on the same data; returns when it says that it is ready.
    ///
    /// # Errors
    /// It doesn't end well, or isn't ready in time.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.pulsegate.restart().await
    }

    /// Ends it as an operator would.
    ///
    /// # Errors
    /// It doesn't end in time, or says that something failed.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let status = self.pulsegate.terminate()?;
        ensure!(status.success(), "pulsegate ended with {status}");
        Ok(())
    }
}
