//! Containers, where a Docker engine answers.

use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::system::watchdog::{self, Charge};
use crate::unique;
use crate::wait::PAUSE;

/// How long an engine may take to say that it is there; a client without one can hang.
const ENGINE_ANSWERS: Duration = Duration::from_secs(10);

static ENGINE: LazyLock<bool> = LazyLock::new(ask_engine);

/// Whether a Docker engine answers on this machine.
#[must_use]
pub fn engine_answers() -> bool {
    *ENGINE
}

fn ask_engine() -> bool {
    let started = Instant::now();
    let client = Command::new("docker")
        .arg("info")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut client) = client else { return false };
    while started.elapsed() < ENGINE_ANSWERS {
        match client.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(PAUSE),
            Err(_) => return false,
        }
    }
    // Neither can fail in a way that changes the answer.
    let _ = client.kill();
    let _ = client.wait();
    false
}

/// Whether an engine answers and has `image`, or can get it.
#[must_use]
pub fn can_run(image: &str) -> bool {
    engine_answers()
        && (docker(&["image", "inspect", image]).is_ok() || docker(&["pull", "--quiet", image]).is_ok())
}

/// A container that publishes one port on the loopback interface; removed when dropped.
#[derive(Debug)]
pub struct Container {
    name: String,
    create: Vec<String>,
    created: bool,
}

impl Container {
    /// Prepares a container of `image` whose port `inside` is reachable as `port`.
    #[must_use]
    pub fn new(
        image: &str,
        inside: u16,
        port: u16,
        environment: &[(String, String)],
        arguments: &[&str],
    ) -> Self {
        let name = format!("pulsegate-{}", unique::name());
        let mut create: Vec<String> = ["create", "--name", &name, "--publish"].map(str::to_owned).into();
        create.push(format!("127.0.0.1:{port}:{inside}"));
        for (variable, value) in environment {
            create.extend(["--env".to_owned(), format!("{variable}={value}")]);
        }
        create.push(image.to_owned());
        create.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        Self { name, create, created: false }
    }

    /// Starts it, for the first time or again with what it had stored.
    ///
    /// # Errors
    /// The image can't be had, or the engine refuses.
    pub fn start(&mut self) -> anyhow::Result<()> {
        if !self.created {
            watchdog::register(&Charge::Container(&self.name))?;
            docker(&self.create.iter().map(String::as_str).collect::<Vec<_>>())?;
            self.created = true;
        }
        docker(&["start", &self.name]).map(drop)
    }

    /// `kill -9` to what runs in it.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&self) -> anyhow::Result<()> {
        docker(&["kill", &self.name]).map(drop)
    }

    /// Suspends every process in it.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self) -> anyhow::Result<()> {
        docker(&["pause", &self.name]).map(drop)
    }

    /// Undoes [`Self::freeze`].
    ///
    /// # Errors
    /// It isn't suspended.
    pub fn thaw(&self) -> anyhow::Result<()> {
        docker(&["unpause", &self.name]).map(drop)
    }

    /// An error with the end of its log, if it ended by itself.
    pub(crate) fn require_running(&self) -> anyhow::Result<()> {
        let state = docker(&["inspect", "--format", "{{.State.Running}}", &self.name])?;
        if String::from_utf8_lossy(&state.stdout).trim() != "true" {
            let log = docker(&["logs", "--tail", "60", &self.name])?;
            bail!("the container ended\n{}{}", text(&log.stdout), text(&log.stderr));
        }
        Ok(())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.created && docker(&["rm", "--force", "--volumes", &self.name]).is_ok() {
            let _ = watchdog::release(&Charge::Container(&self.name));
        }
    }
}

fn docker(arguments: &[&str]) -> anyhow::Result<Output> {
    let output =
        Command::new("docker").args(arguments).stdin(Stdio::null()).output().context("can't run docker")?;
    if !output.status.success() {
        let verb = arguments.first().copied().unwrap_or_default();
        bail!("docker {verb}: {}", text(&output.stderr).trim());
    }
    Ok(output)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
