//! Runs a command so that an interrupt ends it and all that it started, but not the services under it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::{Instant, sleep_until};

use crate::system::watchdog::{self, Charge};

/// How long an interrupted command may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(15);

/// A signal that asks this process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C.
    Int,
    /// From a supervisor.
    Term,
    /// The terminal was closed.
    Hup,
}

impl Interrupt {
    fn signal(self) -> Signal {
        match self {
            Self::Int => Signal::INT,
            Self::Term => Signal::TERM,
            Self::Hup => Signal::HUP,
        }
    }

    /// What a shell would give for a process that this signal ended.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        code_of_signal(self.signal().as_raw())
    }
}

/// The signals that ask this process to end; while this exists they don't end it by themselves.
#[derive(Debug)]
pub struct Interrupts {
    int: unix::Signal,
    term: unix::Signal,
    hup: unix::Signal,
}

impl Interrupts {
    /// # Errors
    /// The operating system refuses.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            int: unix::signal(SignalKind::interrupt())?,
            term: unix::signal(SignalKind::terminate())?,
            hup: unix::signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.int.recv() => Interrupt::Int,
            _ = self.term.recv() => Interrupt::Term,
            _ = self.hup.recv() => Interrupt::Hup,
        }
    }
}

/// Runs `command` to its end and gives its exit code.
///
/// It leads a process group of its own, so that one signal reaches cargo and the tests alike and none reaches
/// them twice.
///
/// # Errors
/// It can't be executed.
pub async fn run(command: &mut Command, interrupts: &mut Interrupts) -> anyhow::Result<ExitCode> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command.process_group(0).spawn().with_context(|| format!("can't run {program}"))?;
    let id = child.id().context("it was just started")?;
    let group = Pid::from_raw(i32::try_from(id)?).context("no process has the number 0")?;
    watchdog::register(&Charge::Group(id))?;
    let mut deadline = None;
    let status = loop {
        let out_of_patience = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            status = child.wait() => break status?,
            interrupt = interrupts.next() => {
                deadline = Some(Instant::now() + PATIENCE);
                // It may have ended by itself just now.
                let _ = kill_process_group(group, interrupt.signal());
            }
            () = out_of_patience => {
                deadline = None;
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
    };
    // What it left running, if anything.
    let _ = kill_process_group(group, Signal::KILL);
    watchdog::release(&Charge::Group(id))?;
    Ok(match (status.code(), status.signal()) {
        (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        (None, Some(signal)) => code_of_signal(signal),
        (None, None) => ExitCode::FAILURE,
    })
}

fn code_of_signal(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
}
