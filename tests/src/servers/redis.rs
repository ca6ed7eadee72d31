//! Redis.

use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use redis::{AsyncConnectionConfig, Client};

use crate::system::container::{self, Container};
use crate::system::host::Host;
use crate::system::process::Process;
use crate::system::scratch::Scratch;
use crate::system::{ports, program};
use crate::wait;

const IMAGE: &str = "redis:8-bookworm";
const STARTS_WITHIN: Duration = Duration::from_secs(60);
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// So many logical databases has a server of the harness: one for each test.
const DATABASES: &str = "1024";

/// What the server is run from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An image of a Docker engine.
    Docker,
    /// The program `redis-server`.
    Binary,
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
        let binary = program::find("redis-server").map(|_| Self::Binary);
        binary.context("no Redis here: install the Debian package redis-server, or set TEST_REDIS_URL")
    }
}

/// A server of this harness's own. It keeps nothing on disk.
#[derive(Debug)]
pub struct Redis {
    host: Host,
    port: u16,
    _directory: Option<Scratch>,
}

impl Redis {
    /// Starts a new, empty server.
    ///
    /// # Errors
    /// It doesn't come up.
    pub async fn start(source: Source) -> anyhow::Result<Self> {
        let port = ports::free()?;
        let settings = ["--save", "", "--appendonly", "no", "--databases", DATABASES];
        let mut server = match source {
            Source::Docker => {
                let container =
                    Container::new(IMAGE, 6379, port, &[], &[&["redis-server"][..], &settings].concat());
                Self { host: Host::Container(container), port, _directory: None }
            }
            Source::Binary => {
                let directory = Scratch::new()?;
                let mut command = Command::new("redis-server");
                command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]);
                command.arg(directory.path()).args(settings).current_dir(directory.path());
                let process = Process::new("Redis", command, &directory.path().join("redis.log"))?;
                Self { host: Host::Process(Box::new(process)), port, _directory: Some(directory) }
            }
        };
        server.restart().await?;
        Ok(server)
    }

    /// Its URL, without a logical database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`; all that it held is gone.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.host.kill()
    }

    /// Starts it again after [`Self::kill`], empty, on the same port; returns when it answers.
    ///
    /// # Errors
    /// It doesn't come up.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.host.start()?;
        let url = self.url();
        wait::until("Redis to answer", STARTS_WITHIN, async || {
            self.host.require_running()?;
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

/// The version of the server behind `url`.
///
/// # Errors
/// It can't be reached.
pub async fn version(url: &str) -> anyhow::Result<String> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWERS_WITHIN))
        .set_response_timeout(Some(ANSWERS_WITHIN));
    let mut connection = Client::open(url)?
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .context("can't reach Redis")?;
    let information: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
    let version = information.lines().find_map(|line| line.strip_prefix("redis_version:"));
    version
        .map(|version| version.trim().to_owned())
        .context("the server behind TEST_REDIS_URL tells no version")
}
