//! nginx, with the configuration that is deployed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::net::TcpStream;

use crate::system::process::Process;
use crate::system::scratch::Scratch;
use crate::system::{ports, program};
use crate::wait;

const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// Where it is, if it is here.
#[must_use]
pub fn find() -> Option<PathBuf> {
    let beside = || Some(PathBuf::from("/usr/sbin/nginx")).filter(|path| path.is_file());
    program::find("nginx").or_else(beside)
}

/// A proxy of this harness's own. Dropping it kills it.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    base: String,
    _directory: Scratch,
}

impl Nginx {
    /// Starts it with a configuration in which some words are replaced by others, as names are by addresses. It listens on
    /// a port of its own instead of 8080.
    ///
    /// # Errors
    /// It isn't here, doesn't take the configuration, or doesn't come up.
    pub async fn start(configuration: &Path, replaced: &[(&str, &str)]) -> anyhow::Result<Self> {
        let program = find().context("no nginx here: install the Debian package nginx-light")?;
        let directory = Scratch::new()?;
        let address = format!("127.0.0.1:{}", ports::free()?);
        let mut text = std::fs::read_to_string(configuration)?;
        let listens = format!("listen {address};");
        for (word, other) in replaced.iter().chain([&("listen 8080;", listens.as_str())]) {
            ensure!(text.contains(word), "{word:?} is not in {}", configuration.display());
            text = text.replace(word, other);
        }
        // Its usual places belong to the system's own.
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let paths = paths.map(|kind| format!("{kind}_temp_path {}/{kind};", directory.path().display()));
        text = text.replacen("http {", &format!("http {{ {}", paths.join(" ")), 1);
        let path = directory.path().join("nginx.conf");
        std::fs::write(&path, text)?;
        let globals = format!("daemon off; pid {}/nginx.pid;", directory.path().display());
        let command = |more: &[&str]| {
            let mut command = Command::new(&program);
            command.arg("-c").arg(&path).arg("-p").arg(directory.path());
            command.args(["-e", "stderr", "-g", &globals]).args(more);
            command
        };
        program::output(&mut command(&["-t", "-q"]))?;
        let mut process = Process::new("nginx", command(&[]), &directory.path().join("nginx.log"))?;
        process.start()?;
        wait::until("nginx to answer", STARTS_WITHIN, async || {
            process.require_running()?;
            Ok(TcpStream::connect(&address).await.map(drop).map_err(Into::into))
        })
        .await?;
        Ok(Self { process, base: format!("http://{address}"), _directory: directory })
    }

    /// Where it answers, e.g. `http://127.0.0.1:20123`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// All that it wrote so far.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn log(&self) -> anyhow::Result<String> {
        self.process.log()
    }
}
