//! PostgreSQL.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;
use sea_orm::sqlx::{self, Connection as _, PgConnection};

use crate::system::container::{self, Container};
use crate::system::host::Host;
use crate::system::process::Process;
use crate::system::scratch::Scratch;
use crate::system::user::User;
use crate::system::{ports, program};
use crate::wait;

const IMAGE: &str = "postgres:17-bookworm";
const CLUSTER: &str = "data";
const COPIES: &str = "pg_basebackup";
const USER: &str = "pulsegate";
const STARTS_WITHIN: Duration = Duration::from_secs(90);
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// What the server is run from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An image of a Docker engine.
    Docker,
    /// A directory with `initdb` and `postgres`.
    Binaries(PathBuf),
}

impl Source {
    /// The best that this machine has.
    ///
    /// # Errors
    /// It has none.
    pub fn find() -> anyhow::Result<Self> {
        if container::can_run(IMAGE) {
            return Ok(Self::Docker);
        }
        let binaries = binaries().map(Self::Binaries);
        binaries.context(
            "no PostgreSQL 15 or later here: install the Debian package postgresql, or set TEST_DATABASE_URL",
        )
    }
}

/// Whether a server that is killed keeps what it had committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It does, as in production.
    Full,
    /// It doesn't need to, and is quicker.
    None,
}

impl Durability {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Full => &[],
            Self::None => &["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"],
        }
    }
}

/// A server of this harness's own.
#[derive(Debug)]
pub struct Postgres {
    host: Host,
    port: u16,
    _directory: Option<Scratch>,
}

impl Postgres {
    /// Starts a new, empty server.
    ///
    /// # Errors
    /// It doesn't come up.
    pub async fn start(source: &Source, durability: Durability) -> anyhow::Result<Self> {
        let port = ports::free()?;
        let mut server = match source {
            Source::Docker => {
                let environment = [("POSTGRES_USER", USER), ("POSTGRES_HOST_AUTH_METHOD", "trust")]
                    .map(|(variable, value)| (variable.to_owned(), value.to_owned()));
                let settings = [&["-c", "max_connections=400"], durability.settings()].concat();
                let container = Container::new(IMAGE, 5432, port, &environment, &settings);
                Self { host: Host::Container(container), port, _directory: None }
            }
            Source::Binaries(binaries) => {
                let user = User::unprivileged()?;
                let directory = Scratch::owned_by(user)?;
                let data = directory.path().join(CLUSTER);
                program::output(
                    as_user(user, &binaries.join("initdb"), directory.path()).arg("-D").arg(&data).args([
                        "--username",
                        USER,
                        "--auth=trust",
                        "--encoding=UTF8",
                        "--locale=C.UTF-8",
                        "--no-sync",
                    ]),
                )?;
                Self::of_cluster(binaries, user, directory, port, durability)?
            }
        };
        server.restart().await?;
        Ok(server)
    }

    /// A server of the cluster in `directory`, not yet started.
    fn of_cluster(
        binaries: &Path,
        user: Option<User>,
        directory: Scratch,
        port: u16,
        durability: Durability,
    ) -> anyhow::Result<Self> {
        let mut command = as_user(user, &binaries.join("postgres"), directory.path());
        command.arg("-D").arg(directory.path().join(CLUSTER)).args([
            "-p",
            &port.to_string(),
            "-h",
            "127.0.0.1",
        ]);
        command.args(["-c", "unix_socket_directories=", "-c", "max_connections=400"]);
        // In the data directory rather than /dev/shm, where a killed server would leave it behind.
        command.args(["-c", "dynamic_shared_memory_type=mmap"]).args(durability.settings());
        let process = Process::new("PostgreSQL", command, &directory.path().join("postgres.log"))?;
        Ok(Self { host: Host::Process(Box::new(process)), port, _directory: Some(directory) })
    }

    /// Why no replica can be made here from `source`.
    #[must_use]
    pub fn cannot_follow(source: &Source) -> Option<&'static str> {
        match source {
            Source::Docker => {
                Some("replicas are made by PostgreSQL's own programs, and this one is an image")
            }
            Source::Binaries(binaries) => {
                (!binaries.join(COPIES).is_file()).then_some("there is no pg_basebackup beside PostgreSQL")
            }
        }
    }

    /// Starts a replica of this server, made from PostgreSQL's programs in `binaries`.
    ///
    /// # Errors
    /// It can't be copied, or doesn't come up.
    pub async fn replica(&self, binaries: &Path) -> anyhow::Result<Self> {
        let (port, user) = (ports::free()?, User::unprivileged()?);
        let directory = Scratch::owned_by(user)?;
        let copies = binaries.join(COPIES);
        program::output(
            as_user(user, &copies, directory.path()).arg("-D").arg(directory.path().join(CLUSTER)).args([
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync",
                "-d",
                &self.url("postgres"),
            ]),
        )?;
        let mut replica = Self::of_cluster(binaries, user, directory, port, Durability::None)?;
        replica.restart().await?;
        Ok(replica)
    }

    /// The URL of a database of this server's.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// `kill -9`, in the middle of whatever it does.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.host.kill()
    }

    /// Starts it again after [`Self::kill`], on the same port and data; returns when it answers.
    ///
    /// # Errors
    /// It doesn't come up.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.host.start()?;
        let url = self.url("postgres");
        wait::until("PostgreSQL to answer", STARTS_WITHIN, async || {
            // Refused as long as a process of the killed server still holds its memory: then it is tried again.
            if let Err(error) = self.host.require_running() {
                self.host.start()?;
                return Ok(Err(error));
            }
            Ok(version(&url).await)
        })
        .await
        .map(drop)
    }

    /// Makes it hang: connections stay open, nothing is answered.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.host.freeze()
    }

    /// Undoes [`Self::freeze`].
    ///
    /// # Errors
    /// It does not run.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.host.thaw()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Host::Process(process) = &mut self.host
            && process.id().is_some()
        {
            // A fast shutdown, so that the system gets its shared memory back; else it is killed.
            let _ = process.thaw();
            let _ = process.stop(Signal::INT, STOPS_WITHIN);
        }
    }
}

/// The version of the server behind `url`.
///
/// # Errors
/// It can't be reached.
pub async fn version(url: &str) -> anyhow::Result<String> {
    let mut connection = PgConnection::connect(url).await.context("can't reach PostgreSQL")?;
    let full: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(full.split_whitespace().next().unwrap_or_default().to_owned())
}

fn as_user(user: Option<User>, program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
    if let Some(user) = user {
        command.uid(user.id).gid(user.group);
    }
    command
}

/// The newest of Debian's, else those on the PATH.
fn binaries() -> Option<PathBuf> {
    let complete =
        |directory: &PathBuf| ["initdb", "postgres"].iter().all(|name| directory.join(name).is_file());
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let debian = versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(version, directory)| *version >= 15 && complete(directory))
        .max();
    let on_path = || program::find("postgres")?.parent().map(Path::to_owned).filter(complete);
    debian.map(|(_, directory)| directory).or_else(on_path)
}
