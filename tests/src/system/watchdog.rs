//! Nothing outlives the process that started it, not even after a `kill -9`.
//!
//! Destructors don't run when a test binary is killed or interrupted, and a parent-death signal follows the
//! thread that forked rather than the process. So one shell waits for the end of a pipe whose other side only
//! this process holds, and then removes whatever is still registered.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::Context as _;

const SCRIPT: &str = include_str!("watchdog.sh");

static PIPE: OnceLock<Mutex<ChildStdin>> = OnceLock::new();

/// Something that must be gone when this process is.
pub(crate) enum Charge<'a> {
    /// A process group, killed.
    Group(u32),
    /// A container, removed by force.
    Container(&'a str),
    /// A directory, deleted.
    Directory(&'a Path),
}

impl std::fmt::Display for Charge<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Group(group) => write!(formatter, "group:{group}"),
            Self::Container(name) => write!(formatter, "container:{name}"),
            Self::Directory(path) => write!(formatter, "directory:{}", path.display()),
        }
    }
}

/// Has `charge` removed when this process ends, however it ends.
pub(crate) fn register(charge: &Charge<'_>) -> anyhow::Result<()> {
    tell('+', charge)
}

/// The charge is gone already. Must be said: a process id may be given to a stranger later.
pub(crate) fn release(charge: &Charge<'_>) -> anyhow::Result<()> {
    tell('-', charge)
}

fn tell(sign: char, charge: &Charge<'_>) -> anyhow::Result<()> {
    let pipe = if let Some(pipe) = PIPE.get() {
        pipe
    } else {
        let started = start()?;
        // Where another thread was quicker, this shell sees its pipe close and ends with nothing to do.
        PIPE.get_or_init(|| Mutex::new(started))
    };
    let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(pipe, "{sign}{charge}").context("the watchdog shell is gone")
}

fn start() -> anyhow::Result<ChildStdin> {
    let mut shell = Command::new("sh")
        .args(["-c", SCRIPT, "watchdog"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("can't start `sh`, which cleans up after interrupted tests")?;
    shell.stdin.take().context("the watchdog shell has no input")
}
