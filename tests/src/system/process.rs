//! Child processes in groups of their own.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::system::watchdog::{self, Charge};
use crate::wait::PAUSE;

/// How many of the last lines of a log are shown with a failure.
const LOG_TAIL: usize = 60;

/// A program that can be started again with the same arguments after it ended or was killed.
///
/// It leads its own process group, so that a terminal's Ctrl-C reaches only the harness, which stops its
/// children in order. Dropping it kills the whole group.
#[derive(Debug)]
pub struct Process {
    name: String,
    command: Command,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// Prepares `command`; its output is appended to the file `log`.
    ///
    /// # Errors
    /// The log can't be opened.
    pub fn new(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(log_file(log)?).stderr(log_file(log)?).process_group(0);
        Ok(Self { name: name.to_owned(), command, log: log.to_owned(), child: None })
    }

    /// Starts the program.
    ///
    /// # Errors
    /// It runs already, or can't be executed.
    pub fn start(&mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            bail!("{} runs already", self.name);
        }
        let program = self.command.get_program().to_string_lossy().into_owned();
        let child = self.command.spawn().with_context(|| format!("can't start {program}"))?;
        watchdog::register(&Charge::Group(child.id()))?;
        self.child = Some(child);
        Ok(())
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Sends a signal to the process alone.
    ///
    /// # Errors
    /// It does not run.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(self.pid()?, signal).with_context(|| format!("can't signal {}", self.name))
    }

    /// `kill -9` to the process and all its descendants, at one moment; returns when it is dead.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let pid = self.pid()?;
        // Stopped first: none of the family outlives another for long enough to answer once more.
        for member in self.freeze()? {
            // A descendant that ended meanwhile is no less dead.
            let _ = kill_process(member, Signal::KILL);
        }
        kill_process_group(pid, Signal::KILL).with_context(|| format!("can't kill {}", self.name))?;
        let child = self.child.as_mut().context("it runs: its id was just read")?;
        child.wait()?;
        self.forget()
    }

    /// Asks it to end (SIGTERM) and waits for that.
    ///
    /// # Errors
    /// It does not run, or is still there after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        self.stop(Signal::TERM, limit)
    }

    /// Sends `signal`, which asks the program to end, and waits for that.
    pub(crate) fn stop(&mut self, signal: Signal, limit: Duration) -> anyhow::Result<ExitStatus> {
        self.signal(signal)?;
        let started = Instant::now();
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            if started.elapsed() > limit {
                bail!("{} still runs {limit:?} after it was asked to end\n{}", self.name, self.log_tail());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// How it ended, if it did since the last start.
    ///
    /// # Errors
    /// The operating system doesn't say.
    pub fn exited(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let Some(child) = self.child.as_mut() else { return Ok(None) };
        let status = child.try_wait()?;
        if status.is_some() {
            self.forget()?;
        }
        Ok(status)
    }

    /// An error with the end of the log, if the program ended by itself.
    pub(crate) fn require_running(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.exited()? {
            let signal = status.signal().map(|number| format!(" (signal {number})")).unwrap_or_default();
            bail!("{} ended: {status}{signal}\n{}", self.name, self.log_tail());
        }
        Ok(())
    }

    /// Stops the process and all its descendants (SIGSTOP): they neither answer nor close connections. Gives the
    /// descendants.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self) -> anyhow::Result<Vec<Pid>> {
        let pid = self.pid()?;
        // The parent first, so that no new descendant appears while they are gathered.
        kill_process(pid, Signal::STOP)?;
        let family = descendants(pid)?;
        for descendant in &family {
            // A descendant that ended meanwhile is no less silent.
            let _ = kill_process(*descendant, Signal::STOP);
        }
        Ok(family)
    }

    /// Undoes [`Self::freeze`].
    ///
    /// # Errors
    /// It does not run.
    pub fn thaw(&self) -> anyhow::Result<()> {
        let pid = self.pid()?;
        for descendant in descendants(pid)? {
            let _ = kill_process(descendant, Signal::CONT);
        }
        kill_process(pid, Signal::CONT)?;
        Ok(())
    }

    /// All that it wrote so far.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn log(&self) -> anyhow::Result<String> {
        let bytes = fs::read(&self.log)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The last lines that it wrote, for messages.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = self.log().unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let start = lines.len().saturating_sub(LOG_TAIL);
        format!(
            "--- end of the log of {}\n{}\n---",
            self.name,
            lines.get(start..).unwrap_or_default().join("\n")
        )
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        let id = self.id().with_context(|| format!("{} does not run", self.name))?;
        let raw = i32::try_from(id)?;
        Pid::from_raw(raw).with_context(|| format!("{raw} is no process id"))
    }

    fn forget(&mut self) -> anyhow::Result<()> {
        if let Some(child) = self.child.take() {
            watchdog::release(&Charge::Group(child.id()))?;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.is_some() {
            // Nobody is left to tell; the watchdog still has the group where this failed.
            let _ = self.kill();
        }
    }
}

fn log_file(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("can't write {}", path.display()))
}

/// Children, their children and so on. Servers put theirs into other sessions, out of reach of a group's signal.
fn descendants(root: Pid) -> anyhow::Result<Vec<Pid>> {
    let mut family = vec![root.as_raw_nonzero().get()];
    let pairs: Vec<(i32, i32)> = fs::read_dir("/proc")?
        .filter_map(|entry| {
            let id: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            Some((id, parent(id)?))
        })
        .collect();
    let mut known = 0;
    while known < family.len() {
        let member = family.get(known).copied();
        family.extend(pairs.iter().filter(|(_, parent)| Some(*parent) == member).map(|(id, _)| *id));
        known += 1;
    }
    Ok(family.into_iter().skip(1).filter_map(Pid::from_raw).collect())
}

fn parent(id: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // "id (name) state parent …"; the name may hold anything, parentheses too.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
