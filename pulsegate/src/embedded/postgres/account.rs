//! As whom PostgreSQL's programs run. They refuse to run as root.

use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
};

use super::Error;

const ROOT: u32 = 0;
/// Who stands in for root, the first that the machine knows.
const STAND_INS: [&str; 2] = ["postgres", "nobody"];
/// What the programs need of the environment; the rest (`PGDATA`, `PGOPTIONS`, `LC_ALL`, …) could only mislead them.
const PASSED_ON: [&str; 4] = ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// Who runs the programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Whoever runs this process.
    Own,
    /// Somebody without privileges, because this process is root's.
    Other { name: String, user: u32, group: u32 },
}

impl Account {
    /// The account for a data directory: whom it belongs to, where it is there already.
    pub(super) fn choose(data: &Path) -> Result<Self, Error> {
        let own = id(&["-u"]).ok_or(Error::Account("`id -u` does not work"))?;
        let owner = fs::metadata(data).ok().map(|metadata| (metadata.uid(), metadata.gid()));
        match owner {
            Some((user, _)) if own != ROOT && user != own => {
                Err(Error::Foreign { data: data.to_owned(), owner: user })
            }
            _ if own != ROOT => Ok(Self::Own),
            Some((user, group)) if user != ROOT => {
                Ok(Self::Other { name: format!("user {user}"), user, group })
            }
            _ => STAND_INS
                .iter()
                .find_map(|name| {
                    let (user, group) = (id(&["-u", name])?, id(&["-g", name])?);
                    (user != ROOT).then(|| Self::Other { name: (*name).to_owned(), user, group })
                })
                .ok_or(Error::Account("there is no user postgres or nobody to run it in root's place")),
        }
    }

    /// A command that runs as this account, with a bare environment and without the terminal.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").stdin(Stdio::null());
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Self::Other { user, group, .. } = self {
            // Supplementary groups go with the user.
            command.gid(*group).uid(*user);
        }
        command
    }

    /// Hands a file or directory over.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { user, group, .. } => chown(path, Some(*user), Some(*group)),
        }
    }

    /// Whether it may enter a directory. Asked by trying, because only the kernel knows all rules.
    pub(super) fn may_enter(&self, directory: &Path) -> bool {
        *self == Self::Own
            || self
                .command(Path::new("/bin/sh"))
                .args(["-c", "true"])
                .current_dir(directory)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    }

    /// Whether it may run a program.
    pub(super) fn may_run(&self, program: &Path) -> bool {
        self.command(program)
            .arg("--version")
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    std::str::from_utf8(&output.stdout).ok()?.trim().parse().ok()
}
