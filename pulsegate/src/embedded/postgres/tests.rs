use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::*;

/// The places of this machine; `None`, loudly, where it has no PostgreSQL.
fn places() -> Option<Places> {
    let places = Places::here(None);
    match places.find() {
        Ok(_) => Some(places),
        Err(Error::NoPrograms) => {
            println!("SKIPPED: there is no PostgreSQL here, so the embedded database is not tested");
            None
        }
        Err(fault) => panic!("{fault}"),
    }
}

/// A directory that an unprivileged account may enter.
fn scratch() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

/// Asks for a connection as the database's owner would, and returns the first byte of the answer: `R` is a welcome.
fn greet(postgres: &EmbeddedPostgres) -> Option<u8> {
    let mut socket = UnixStream::connect(postgres.home.run.join(".s.PGSQL.5432")).ok()?;
    let parameters = b"user\0pulsegate\0database\0pulsegate\0\0";
    let length = u32::try_from(parameters.len() + 8).unwrap();
    let mut message = length.to_be_bytes().to_vec();
    message.extend(196_608_u32.to_be_bytes());
    message.extend(parameters);
    socket.write_all(&message).unwrap();
    let mut answer = [0];
    socket.read_exact(&mut answer).ok()?;
    Some(answer[0])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn runs(process: u32) -> bool {
    // A killed process of ours that was not waited for is there, but has no memory any more.
    fs::read_to_string(format!("/proc/{process}/statm")).is_ok_and(|text| !text.starts_with('0'))
}

#[test]
fn it_starts_stops_and_keeps_its_data() {
    let Some(places) = places() else { return };
    let directory = scratch();
    let data_dir = directory.path().join("data");
    let postgres = EmbeddedPostgres::start(&data_dir, &places).unwrap();
    assert_eq!(greet(&postgres), Some(b'R'));
    let identity = fs::read(postgres.home.data().join("global/pg_control")).unwrap()[..8].to_vec();
    let process = postgres.child.id();
    assert_eq!(mode(&postgres.home.run), 0o700, "nobody else may enter the socket's directory");
    postgres.stop();
    assert!(!runs(process));

    let postgres = EmbeddedPostgres::start(&data_dir, &places).unwrap();
    assert_eq!(greet(&postgres), Some(b'R'));
    // The first field of the control file is the identifier that initdb gave the cluster.
    assert_eq!(fs::read(postgres.home.data().join("global/pg_control")).unwrap()[..8], identity);
    let process = postgres.child.id();
    drop(postgres);
    assert!(!runs(process), "dropping it stops it");
}

#[test]
fn a_second_one_on_the_same_directory_is_refused() {
    let Some(places) = places() else { return };
    let directory = scratch();
    let first = EmbeddedPostgres::start(directory.path(), &places).unwrap();
    let fault = EmbeddedPostgres::start(directory.path(), &places).unwrap_err().to_string();
    let expected =
        format!("is in use by process {}: stop that one, or choose another DATA_DIR", std::process::id());
    assert!(fault.ends_with(&expected), "{fault}");
    assert_eq!(greet(&first), Some(b'R'), "the first is unharmed");
}

/// What a kill -9 of our own process leaves: a server that runs, and nobody who holds the lock.
#[test]
fn an_orphan_is_taken_over() {
    let Some(places) = places() else { return };
    let directory = scratch();
    let mut first = EmbeddedPostgres::start(directory.path(), &places).unwrap();
    let orphan = first.child.id();
    first.stopped = true;
    first.child = Command::new("true").spawn().unwrap();
    drop(first);
    assert!(runs(orphan));
    let second = EmbeddedPostgres::start(directory.path(), &places).unwrap();
    assert_eq!(greet(&second), Some(b'R'));
    assert_ne!(second.child.id(), orphan);
    assert!(!runs(orphan));
}

#[test]
fn a_killed_server_is_recovered() {
    let Some(places) = places() else { return };
    let directory = scratch();
    let mut first = EmbeddedPostgres::start(directory.path(), &places).unwrap();
    assert!(first.ended().is_none());
    first.child.kill().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while first.ended().is_none() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(10));
    }
    drop(first);
    let second = EmbeddedPostgres::start(directory.path(), &places).unwrap();
    assert_eq!(greet(&second), Some(b'R'));
}

/// After a restart of the machine, the number in the file may be anybody's.
#[test]
fn a_stale_file_that_names_another_process_is_no_hindrance() {
    let Some(places) = places() else { return };
    let directory = scratch();
    let first = EmbeddedPostgres::start(directory.path(), &places).unwrap();
    let file = first.home.data().join("postmaster.pid");
    let text = fs::read_to_string(&file).unwrap();
    first.stop();
    let other = text.replacen(text.lines().next().unwrap(), &std::process::id().to_string(), 1);
    fs::write(&file, other).unwrap();
    let second = EmbeddedPostgres::start(directory.path(), &places).unwrap();
    assert_eq!(greet(&second), Some(b'R'));
}

#[test]
fn a_half_made_data_directory_is_made_again() {
    let Some(places) = places() else { return };
    let directory = scratch();
    let unfinished = directory.path().join("postgres/data.unfinished");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15").unwrap();
    let postgres = EmbeddedPostgres::start(directory.path(), &places).unwrap();
    assert_eq!(greet(&postgres), Some(b'R'));
    assert!(!unfinished.exists());
}

#[test]
fn a_long_path_finds_a_shorter_place_for_its_socket() {
    let Some(places) = places() else { return };
    let directory = scratch();
    let deep = directory.path().join("d".repeat(60)).join("e".repeat(60));
    let postgres = EmbeddedPostgres::start(&deep, &places).unwrap();
    assert_eq!(greet(&postgres), Some(b'R'));
    let run = postgres.home.run.clone();
    assert_eq!(mode(&run), 0o700);
    postgres.stop();
    assert!(!run.exists(), "what was made for one time is removed");
}

#[test]
fn data_of_another_version_are_left_alone() {
    let Some(places) = places() else { return };
    let directory = scratch();
    let data = directory.path().join("postgres/data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "12\n").unwrap();
    let fault = EmbeddedPostgres::start(directory.path(), &places).unwrap_err().to_string();
    assert!(fault.contains("were written by PostgreSQL 12"), "{fault}");
    assert_eq!(fs::read_to_string(data.join("PG_VERSION")).unwrap(), "12\n");
}

/// As in a home directory of root's that nobody else may enter.
#[test]
fn a_directory_that_its_account_may_not_enter_leads_elsewhere() {
    let Some(places) = places() else { return };
    let directory = scratch();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let postgres = EmbeddedPostgres::start(directory.path(), &places).unwrap();
    assert_eq!(greet(&postgres), Some(b'R'));
    let home = postgres.home.path.clone();
    assert_eq!(mode(&home), 0o700);
    postgres.stop();
    if let account::Account::Other { .. } = account::Account::choose(Path::new("/nonexistent")).unwrap() {
        let link = directory.path().join("postgres");
        assert_eq!(fs::read_link(&link).unwrap(), home);
        let again = EmbeddedPostgres::start(directory.path(), &places).unwrap();
        assert_eq!(again.home.path, home, "the data are found again");
        drop(again);
        fs::remove_dir_all(home).unwrap();
    }
}
