//! PostgreSQL as a process: making its data directory, starting, waiting, stopping.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{DATABASE, Error, USER, home::Home, programs::Programs};

/// Recovery after a crash reads the log since the last checkpoint, which can take a while.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// Orphaned backends of a killed postmaster end by themselves when they notice.
const ORPHANS_WITHIN: Duration = Duration::from_secs(15);
const STOPS_WITHIN: &str = "20";
const GLANCE: Duration = Duration::from_millis(20);
/// So much of its log is kept from earlier starts.
const LOG_MAX: u64 = 4 * 1024 * 1024;

/// Settings that differ from PostgreSQL's own. Durability is untouched.
const SETTINGS: [&str; 5] = [
    // No door but the socket.
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=100",
    // Costs more than it gains on statements this short.
    "jit=off",
    "logging_collector=off",
];

/// Makes an empty data directory with the database in it. It appears whole or not at all, so that a killed attempt is
/// only repeated.
pub(super) fn create(home: &Home, programs: &Programs) -> Result<(), Error> {
    let unfinished = home.path.join("data.unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(|fault| Error::file(&unfinished, fault))?;
    }
    let mut initdb = home.account.command(&programs.path("initdb"));
    initdb
        .current_dir(&home.path)
        .arg("-D")
        .arg(&unfinished)
        // Whoever may enter the socket's directory is its owner: there is nobody else to ask for a password.
        .args(["--username", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"]);
    run(&mut initdb, "initdb")?;

    let mut single = home.account.command(&programs.path("postgres"));
    single.current_dir(&home.path).arg("--single").arg("-D").arg(&unfinished).arg("postgres");
    single.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = single.spawn().map_err(Error::Spawn)?;
    if let Some(mut input) = child.stdin.take() {
        writeln!(input, "CREATE DATABASE {DATABASE}").map_err(Error::Spawn)?;
    }
    let output = child.wait_with_output().map_err(Error::Spawn)?;
    check("postgres --single", output.status, &output.stderr)?;
    fs::rename(&unfinished, home.data()).map_err(|fault| Error::file(&home.data(), fault))
}

/// Starts it on the data directory and returns when it takes connections.
pub(super) fn start(home: &Home, programs: &Programs) -> Result<Child, Error> {
    take_over(home, programs)?;
    let began = Instant::now();
    loop {
        match attempt(home, programs) {
            // Not ours to hurry: the blocks are the last that its backends let go.
            Err(Error::Ended { said, .. })
                if said.contains("shared memory block") && began.elapsed() < ORPHANS_WITHIN =>
            {
                thread::sleep(GLANCE * 10);
            }
            other => return other,
        }
    }
}

fn attempt(home: &Home, programs: &Programs) -> Result<Child, Error> {
    let log_path = home.log();
    if fs::metadata(&log_path).is_ok_and(|metadata| metadata.len() > LOG_MAX) {
        fs::rename(&log_path, log_path.with_extension("log.old"))
            .map_err(|fault| Error::file(&log_path, fault))?;
    }
    let open = || File::options().create(true).append(true).open(&log_path);
    let (log, errors) = (open(), open());
    let from = fs::metadata(&log_path).map_or(0, |metadata| metadata.len());
    let mut command = home.account.command(&programs.path("postgres"));
    command.current_dir(&home.path).arg("-D").arg(home.data()).arg("-k").arg(&home.run);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command
        .stdout(log.map_err(|fault| Error::file(&log_path, fault))?)
        .stderr(errors.map_err(|fault| Error::file(&log_path, fault))?);
    // In a group of its own, so that Ctrl-C reaches only us, and it is stopped when the last batch is written.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(Error::Spawn)?;
    let began = Instant::now();
    while !is_ready(home, child.id()) {
        if let Some(status) = child.try_wait().map_err(Error::Spawn)? {
            return Err(Error::Ended {
                what: format!("postgres ended ({status})"),
                said: reason(&log_path, from),
            });
        }
        if began.elapsed() > READY_WITHIN {
            stop(home, programs, &mut child, Hurry::Immediate);
            return Err(Error::Ended {
                what: "postgres was not ready in time".to_owned(),
                said: reason(&log_path, from),
            });
        }
        thread::sleep(GLANCE);
    }
    Ok(child)
}

/// The first line of the file is the process, its eighth the state.
fn is_ready(home: &Home, process: u32) -> bool {
    fs::read_to_string(home.data().join("postmaster.pid")).is_ok_and(|text| {
        let mut lines = text.lines();
        lines.next().is_some_and(|line| line.trim() == process.to_string())
            && lines.nth(6).is_some_and(|line| line.trim() == "ready")
    })
}

/// The home's lock is ours, so a server that still runs on it was left behind by a process that was killed: stop it.
/// A file that names a process which is something else by now is removed, as PostgreSQL itself would only look whether
/// there is a process of that number.
fn take_over(home: &Home, programs: &Programs) -> Result<(), Error> {
    let path = home.data().join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(()) };
    let Some(process) = text.lines().next().and_then(|line| line.trim().parse::<u32>().ok()) else {
        return Ok(());
    };
    match arguments(process) {
        None => Ok(()),
        Some(arguments) if arguments.contains(&*home.data().to_string_lossy()) => {
            tracing::info!(process, "stopping the database that a killed process left behind");
            let output = pg_ctl_stop(home, programs, "fast").output().map_err(Error::Spawn)?;
            check("pg_ctl stop", output.status, &output.stderr)
        }
        Some(_) => fs::remove_file(&path).map_err(|fault| Error::file(&path, fault)),
    }
}

/// The command line of a process; `None` where there is no such process.
fn arguments(process: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        return fs::read(format!("/proc/{process}/cmdline"))
            .ok()
            .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let output = Command::new("ps").args(["-ww", "-o", "args=", "-p", &process.to_string()]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hurry {
    /// Transactions are rolled back, everything is written.
    Fast,
    /// Like pulling the plug: nothing that was committed is lost, the next start recovers.
    Immediate,
}

/// Stops the server and waits until it is gone.
pub(super) fn stop(home: &Home, programs: &Programs, child: &mut Child, hurry: Hurry) {
    let mode = if hurry == Hurry::Fast { "fast" } else { "immediate" };
    let asked = pg_ctl_stop(home, programs, mode).output().is_ok_and(|output| output.status.success());
    if !asked && matches!(child.try_wait(), Ok(None)) {
        tracing::warn!("the database did not stop when it was asked to: ending it");
        // Fails only where it is gone.
        let _ = child.kill();
    }
    // Fails only where it was waited for before.
    let _ = child.wait();
}

fn pg_ctl_stop(home: &Home, programs: &Programs, mode: &str) -> Command {
    let mut command = home.account.command(&programs.path("pg_ctl"));
    command.current_dir(&home.path).arg("stop").arg("-D").arg(home.data());
    command.args(["-m", mode, "-w", "-t", STOPS_WITHIN]);
    command
}

fn run(command: &mut Command, name: &str) -> Result<(), Error> {
    let output = command.output().map_err(Error::Spawn)?;
    check(name, output.status, &output.stderr)
}

fn check(name: &str, status: ExitStatus, said: &[u8]) -> Result<(), Error> {
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(said);
    Err(Error::Ended { what: format!("{name} failed ({status})"), said: summary(&said) })
}

/// What the log says since `from`.
fn reason(log: &Path, from: u64) -> String {
    let text = fs::read(log).unwrap_or_default();
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(text.len());
    summary(&String::from_utf8_lossy(&text[from..]))
}

/// The line that says most: the last that is an error, else the last.
fn summary(said: &str) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    lines()
        .rfind(|line| ["FATAL:", "PANIC:", "error:", "ERROR:"].iter().any(|level| line.contains(level)))
        .or_else(|| lines().next_back())
        .unwrap_or("it said nothing")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_most_is_told() {
        let said = "LOG:  starting\nFATAL:  could not open\nHINT:  look\n\nLOG:  shut down\n";
        assert_eq!(summary(said), "FATAL:  could not open");
        assert_eq!(summary("one\ntwo\n\n"), "two");
        assert_eq!(summary(""), "it said nothing");
    }

    #[test]
    fn a_process_is_known_by_its_arguments() {
        let own = arguments(std::process::id()).unwrap();
        assert!(own.contains("pulsegate"), "{own}");
        let mut gone = Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        assert_eq!(arguments(gone.id()), None);
    }
}
