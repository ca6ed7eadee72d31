use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{anyhow, ensure};
use rustix::process::Signal;
use tests::services::{DATABASE_URL, KAFKA_BROKERS, REDIS_URL};
use tests::system::process::Process;
use tests::system::scratch::Scratch;
use tests::wait;
use tokio::net::TcpStream;

const STARTS_WITHIN: Duration = Duration::from_secs(180);
const GONE_WITHIN: Duration = Duration::from_secs(60);

/// Starts `services` and gives the addresses that it printed.
async fn start(scratch: &Scratch) -> (Process, Vec<String>) {
    let log = scratch.path().join("services.log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_services"));
    command.env("TMPDIR", scratch.path()).stdin(Stdio::null());
    for named in [DATABASE_URL, REDIS_URL, KAFKA_BROKERS] {
        command.env_remove(named);
    }
    let mut process = Process::new("services", command, &log).unwrap();
    process.start().unwrap();
    let addresses = wait::until("services to tell the addresses", STARTS_WITHIN, async || {
        let log = process.log()?;
        let addresses: Vec<String> = log
            .lines()
            .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
            .map(|(_, value)| value.rsplit_once('@').map_or(value, |(_, address)| address))
            .map(|value| value.trim_start_matches("redis://").trim_end_matches("/postgres").to_owned())
            .collect();
        ensure!(process.exited()?.is_none(), "services ended:\n{log}");
        Ok(if addresses.len() == 3 { Ok(addresses) } else { Err(anyhow!("{log}")) })
    });
    let addresses = addresses.await.unwrap();
    (process, addresses)
}

/// Nobody listens any more, and no file is left.
async fn gone(scratch: &Scratch, addresses: &[String]) -> anyhow::Result<()> {
    wait::until("the servers to be gone", GONE_WITHIN, async || {
        for address in addresses.iter().filter(|address| *address != tests::services::MOCK) {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(Err(anyhow!("{address} still answers")));
            }
        }
        let left: Vec<_> = std::fs::read_dir(scratch.path())?.filter_map(Result::ok).collect();
        let left: Vec<_> = left.iter().filter(|entry| entry.path().is_dir()).collect();
        Ok(if left.is_empty() { Ok(()) } else { Err(anyhow!("left behind: {left:?}")) })
    })
    .await
}

#[tokio::test]
async fn nothing_outlives_services_that_were_interrupted_or_killed() {
    let scratch = Scratch::new().unwrap();
    // PostgreSQL's unprivileged user has to pass through.
    std::fs::set_permissions(scratch.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    let (mut process, addresses) = start(&scratch).await;
    process.terminate(GONE_WITHIN).unwrap();
    gone(&scratch, &addresses).await.unwrap();

    std::fs::remove_file(scratch.path().join("services.log")).unwrap();
    let (process, addresses) = start(&scratch).await;
    process.signal(Signal::KILL).unwrap();
    gone(&scratch, &addresses).await.unwrap();
}
