//! Where the embedded database's files lie.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process,
};

use super::{Error, account::Account, programs::Programs};

/// Where a database lies whose `DATA_DIR` PostgreSQL's account may not enter.
const ELSEWHERE: &str = "/var/lib/pulsegate";
/// What a socket's address may take, the least of all systems, less the socket's own name.
const SOCKET_DIRECTORY_MAX: usize = 103 - "/.s.PGSQL.5432".len();

/// The directory of one embedded database, held by this process alone.
///
/// | in it | is |
/// |---|---|
/// | `data` | PostgreSQL's data directory |
/// | `run` | its socket; nobody else may enter |
/// | `programs` | a copy of its programs, where they lie where its account can't reach them |
/// | `postgres.log` | what it says |
/// | `lock` | says which process it belongs to |
#[derive(Debug)]
pub(super) struct Home {
    pub(super) path: PathBuf,
    pub(super) account: Account,
    /// Where the socket is.
    pub(super) run: PathBuf,
    /// Keeps `run` where it is a directory for this one time.
    _run: Option<tempfile::TempDir>,
    /// The kernel gives it back when the process ends, however that happens.
    _lock: File,
}

impl Home {
    /// Finds or makes the home of a `DATA_DIR` and takes it for this process.
    pub(super) fn take(data_dir: &Path) -> Result<Self, Error> {
        make(data_dir, 0o755)?;
        let data_dir = data_dir.canonicalize().map_err(|fault| Error::file(data_dir, fault))?;
        let entry = data_dir.join("postgres");
        if entry.is_symlink() && !entry.exists() {
            tracing::warn!(link = %entry.display(), "the database that this led to is gone: beginning with an empty one");
            fs::remove_file(&entry).map_err(|fault| Error::file(&entry, fault))?;
        }
        let account = Account::choose(&entry.join("data"))?;
        if !entry.exists() {
            settle(&data_dir, &entry, &account)?;
        }
        let path = entry.canonicalize().map_err(|fault| Error::file(&entry, fault))?;
        account.own(&path).map_err(|fault| Error::file(&path, fault))?;
        let lock = lock(&path, &data_dir)?;
        let (run, temporary) = run_directory(&path, &account)?;
        Ok(Self { path, account, run, _run: temporary, _lock: lock })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("postgres.log")
    }

    /// The major version that wrote the data; `None` where there are none yet.
    pub(super) fn version(&self) -> Result<Option<u32>, Error> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| Error::Damaged(path)),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(Error::file(&path, fault)),
        }
    }

    /// The programs, where the account can run them: copied into the home if they lie elsewhere.
    pub(super) fn reachable(&self, programs: &Programs) -> Result<Programs, Error> {
        if self.account.may_run(&programs.path("postgres")) {
            return Ok(programs.clone());
        }
        let copy = self.path.join("programs").join(programs.version.to_string());
        let mine = Programs { directory: copy.join("bin"), version: programs.version };
        if self.account.may_run(&mine.path("postgres")) {
            return Ok(mine);
        }
        let source = programs.directory.parent().unwrap_or(&programs.directory);
        tracing::info!(from = %source.display(), to = %copy.display(), "copying PostgreSQL's programs to where it may run them");
        let unfinished = copy.with_extension("unfinished");
        for stale in [&unfinished, &copy] {
            if stale.exists() {
                fs::remove_dir_all(stale).map_err(|fault| Error::file(stale, fault))?;
            }
        }
        copy_tree(source, &unfinished).map_err(|fault| Error::file(&unfinished, fault))?;
        fs::rename(&unfinished, &copy).map_err(|fault| Error::file(&copy, fault))?;
        if self.account.may_run(&mine.path("postgres")) { Ok(mine) } else { Err(Error::Unrunnable(mine)) }
    }
}

/// Makes the home: within `DATA_DIR`, or elsewhere with a link there, where the account may not enter it.
fn settle(data_dir: &Path, entry: &Path, account: &Account) -> Result<(), Error> {
    if account.may_enter(data_dir) {
        return make(entry, 0o700);
    }
    let elsewhere = Path::new(ELSEWHERE);
    make(elsewhere, 0o755)?;
    let home = tempfile::Builder::new()
        .prefix("database-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(elsewhere)
        .map_err(|fault| Error::file(elsewhere, fault))?
        .keep();
    let name = if let Account::Other { name, .. } = account { name } else { "its account" };
    tracing::info!(
        "PostgreSQL does not run as root, and {name} may not enter {}: the database lies in {}",
        data_dir.display(),
        home.display()
    );
    symlink(&home, entry).map_err(|fault| Error::file(entry, fault))
}

fn make(directory: &Path, mode: u32) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(directory)
        .map_err(|fault| Error::file(directory, fault))
}

fn lock(home: &Path, data_dir: &Path) -> Result<File, Error> {
    let path = home.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|fault| Error::file(&path, fault))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // It is told for convenience only.
            let _ = file.read_to_string(&mut holder);
            return Err(Error::InUse { data_dir: data_dir.to_owned(), holder: holder.trim().to_owned() });
        }
        Err(TryLockError::Error(fault)) => return Err(Error::file(&path, fault)),
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(process::id().to_string().as_bytes())
    };
    write(&mut file).map_err(|fault| Error::file(&path, fault))?;
    Ok(file)
}

/// Who may enter it may speak to the database as its owner, so nobody else may.
fn run_directory(home: &Path, account: &Account) -> Result<(PathBuf, Option<tempfile::TempDir>), Error> {
    let run = home.join("run");
    let (path, temporary) = if run.as_os_str().len() <= SOCKET_DIRECTORY_MAX {
        make(&run, 0o700)?;
        (run, None)
    } else {
        let temporary = tempfile::Builder::new()
            .prefix("pulsegate-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(|fault| Error::file(&run, fault))?;
        (temporary.path().to_owned(), Some(temporary))
    };
    account.own(&path).map_err(|fault| Error::file(&path, fault))?;
    Ok((path, temporary))
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
