//! The product as a process of its own.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;

use crate::clients::graphql::GraphQl;
use crate::clients::socket::Socket;
use crate::system::process::Process;
use crate::system::scratch::Scratch;
use crate::system::{ports, program};
use crate::wait;

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// Names the binary to test, where it isn't the one of this repository's debug build.
const BINARY: &str = "PULSEGATE_BIN";

/// What the process is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The GraphQL gateway.
    Serve,
    /// The Kafka consumer.
    Consume,
}

impl Role {
    fn command(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Consume => "consume",
        }
    }

    fn address_variable(self) -> &'static str {
        match self {
            Self::Serve => "HTTP_ADDR",
            Self::Consume => "CONSUMER_HTTP_ADDR",
        }
    }
}

/// A running `pulsegate`. Dropping it kills it; in a test that fails, its last lines are shown.
#[derive(Debug)]
pub struct Pulsegate {
    process: Process,
    base: String,
    _directory: Scratch,
}

impl Pulsegate {
    pub(super) async fn start(role: Role, environment: &[(&str, String)]) -> anyhow::Result<Self> {
        let mut pulsegate = Self::prepare(role, environment)?;
        pulsegate.restart().await?;
        Ok(pulsegate)
    }

    pub(super) fn prepare(role: Role, environment: &[(&str, String)]) -> anyhow::Result<Self> {
        crate::clients::use_ring();
        let directory = Scratch::new()?;
        let address = format!("127.0.0.1:{}", ports::free()?);
        let mut command = Command::new(binary()?);
        command.arg(role.command()).current_dir(directory.path());
        alone(&mut command, environment);
        command.env(role.address_variable(), &address);
        let log = directory.path().join("pulsegate.log");
        let process = Process::new(&format!("pulsegate {}", role.command()), command, &log)?;
        Ok(Self { process, base: format!("http://{address}"), _directory: directory })
    }

    /// Where it answers, e.g. `http://127.0.0.1:20123`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its process id.
    ///
    /// # Errors
    /// It does not run.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.process.id().context("it does not run")
    }

    /// A client of its GraphQL.
    ///
    /// # Errors
    /// As for [`GraphQl::new`].
    pub fn graphql(&self) -> anyhow::Result<GraphQl> {
        GraphQl::new(&self.base)
    }

    /// A WebSocket to it.
    ///
    /// # Errors
    /// As for [`Socket::connect`].
    pub async fn socket(&self) -> anyhow::Result<Socket> {
        Socket::connect(&self.base).await
    }

    /// `kill -9`, in the middle of whatever it does.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()
    }

    /// Stops it in the middle of whatever it does (SIGSTOP); its connections stay open.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.process.freeze().map(drop)
    }

    /// Undoes [`Self::freeze`].
    ///
    /// # Errors
    /// It does not run.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.process.thaw()
    }

    /// Asks it to end (SIGTERM) and waits for that.
    ///
    /// # Errors
    /// It does not run, or doesn't end in time.
    pub fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        self.process.terminate(STOPS_WITHIN)
    }

    /// Starts it like [`Self::restart`], without waiting for anything.
    ///
    /// # Errors
    /// It runs already.
    pub fn launch(&mut self) -> anyhow::Result<()> {
        self.process.start()
    }

    /// How it ended, if it did by itself.
    ///
    /// # Errors
    /// The operating system doesn't say.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.process.exited()
    }

    /// The value of a metric that counts, the sum over all its series whose labels hold `label`; 0 where there is none.
    ///
    /// # Errors
    /// It doesn't answer, or it is no whole number.
    pub async fn metric(&self, name: &str, label: &str) -> anyhow::Result<i64> {
        let text = reqwest::get(format!("{}/metrics", self.base)).await?.text().await?;
        let of_that_name = |line: &&str| {
            let rest = line.strip_prefix(name).unwrap_or_default();
            rest.starts_with(['{', ' ']) && rest.contains(label)
        };
        let values = text.lines().filter(of_that_name).filter_map(|line| line.rsplit(' ').next());
        values.map(|value| Ok(value.parse::<i64>()?)).sum()
    }

    /// An error with the end of its log, if it ended by itself.
    ///
    /// # Errors
    /// It ended.
    pub fn require_running(&mut self) -> anyhow::Result<()> {
        self.process.require_running()
    }

    /// Starts it, with the same address and variables as before; returns when it says that it is ready.
    ///
    /// # Errors
    /// It ends, or isn't ready in time.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process.start()?;
        let url = format!("{}/readyz", self.base);
        wait::until("/readyz to say 200", READY_WITHIN, async || {
            self.process.require_running()?;
            Ok(ready(&url).await)
        })
        .await
        .with_context(|| self.process.log_tail())
    }

    /// All that it wrote so far.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn log(&self) -> anyhow::Result<String> {
        self.process.log()
    }
}

impl Drop for Pulsegate {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Past the test runner's capturing; a closed standard error has nobody to tell.
            let _ = io::stderr().write_all(format!("{}\n", self.process.log_tail()).as_bytes());
        }
    }
}

async fn ready(url: &str) -> anyhow::Result<()> {
    let response = reqwest::get(url).await?;
    let (status, body) = (response.status(), response.text().await?);
    ensure!(status == StatusCode::OK, "{status} {body}");
    Ok(())
}

/// Nothing of the developer's own settings may change what is tested.
fn alone(command: &mut Command, environment: &[(&str, String)]) {
    command.env_clear().envs(env::vars_os().filter(|(name, _)| name == "PATH" || name == "TMPDIR"));
    command.envs(environment.iter().cloned());
}

/// Runs a command to its end.
pub(super) async fn run(arguments: &[&str], environment: &[(&str, String)]) -> anyhow::Result<Output> {
    let directory = Scratch::new()?;
    let mut command = Command::new(binary()?);
    command.args(arguments).current_dir(directory.path()).stdin(Stdio::null());
    alone(&mut command, environment);
    let mut command = tokio::process::Command::from(command);
    Ok(command.kill_on_drop(true).output().await?)
}

/// The binary that is tested.
///
/// # Errors
/// It isn't built.
pub fn binary() -> anyhow::Result<PathBuf> {
    let named = env::var_os(BINARY).map(PathBuf::from);
    let binary = named.unwrap_or_else(|| program::repository().join("target/debug/pulsegate"));
    let binary = binary.canonicalize();
    binary.with_context(|| format!("no binary to test: run `cargo build -p pulsegate`, or set {BINARY}"))
}
