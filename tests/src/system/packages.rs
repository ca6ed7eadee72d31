//! Debian packages for what the tests need and this machine lacks.

use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use rustix::process::geteuid;

use super::program;

const INSTALL: &str = include_str!("packages.sh");

/// Whether packages can be installed here without asking anybody.
#[must_use]
pub fn installable() -> bool {
    program::find("apt-get").is_some() && (geteuid().is_root() || has_sudo())
}

/// Installs `packages`; servers among them are not started, and what is installed already stays as it is.
///
/// # Errors
/// A package can't be had.
pub fn install(packages: &[&str]) -> anyhow::Result<()> {
    let mut command = if geteuid().is_root() {
        Command::new("sh")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "sh"]);
        sudo
    };
    let status = command
        .args(["-c", INSTALL, "packages"])
        .args(packages)
        .stdin(Stdio::null())
        .status()
        .context("can't run the installation of packages")?;
    if !status.success() {
        bail!("apt-get could not install {}: {status}", packages.join(" "));
    }
    Ok(())
}

fn has_sudo() -> bool {
    let asked = Command::new("sudo")
        .args(["--non-interactive", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}
