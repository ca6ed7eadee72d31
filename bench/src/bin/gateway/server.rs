//! The servers, and the processor time that they take.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, PgConnection};
use tests::servers::postgres::{Durability, Postgres, Source};
use tests::system::usage;
use tests::testbed::Pulsegate;

const TICK: Duration = Duration::from_millis(10);
/// Memory for what is asked about, as anybody would give it; and a log that tells what is executed, where it is asked
/// for.
const SETTINGS: [&str; 5] = [
    "shared_buffers = '1GB'",
    "max_wal_size = '4GB'",
    "logging_collector = on",
    "log_destination = 'jsonlog'",
    "log_rotation_age = 0",
];

/// PostgreSQL, and where its processes are.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) postgres: Postgres,
    /// None where it runs in a container, whose processes have other numbers.
    main_process: Option<u32>,
}

impl Database {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let source = Source::find()?;
        let mut postgres = Postgres::start(&source, Durability::Full).await?;
        let mut connection = PgConnection::connect(&postgres.url("postgres")).await?;
        for setting in SETTINGS {
            let statement = format!("ALTER SYSTEM SET {setting}");
            sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
        }
        drop(connection);
        postgres.kill()?;
        postgres.restart().await?;
        let mut connection = PgConnection::connect(&postgres.url("postgres")).await?;
        let main_process = match source {
            Source::Docker => None,
            Source::Binaries(_) => {
                let file: String = sqlx::query_scalar("SELECT pg_read_file('postmaster.pid')")
                    .fetch_one(&mut connection)
                    .await?;
                file.lines().next().map(str::parse).transpose()?
            }
        };
        Ok(Self { postgres, main_process })
    }

    /// Of all its processes, those that have ended too.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Option<Duration>> {
        let Some(main) = self.main_process else { return Ok(None) };
        let mut sum = Duration::ZERO;
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // One that ends meanwhile is among the main process's former children.
            let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
            let (_, fields) = stat.rsplit_once(')').context("no name")?;
            let fields: Vec<&str> = fields.split_whitespace().collect();
            let ticks = |from: usize, to: usize| {
                fields
                    .get(from..to)
                    .unwrap_or_default()
                    .iter()
                    .filter_map(|text| text.parse::<u32>().ok())
                    .sum()
            };
            let ticks: u32 = if process == main {
                ticks(11, 15)
            } else if fields.get(1).and_then(|parent| parent.parse().ok()) == Some(main) {
                ticks(11, 13)
            } else {
                continue;
            };
            sum += TICK * ticks;
        }
        Ok(Some(sum))
    }
}

pub(crate) fn address_of(pulsegate: &Pulsegate) -> anyhow::Result<SocketAddr> {
    Ok(pulsegate.base().strip_prefix("http://").context("no address")?.parse()?)
}

/// MiB.
pub(crate) fn memory(process: u32) -> anyhow::Result<f64> {
    let kibibytes = u32::try_from(usage::memory(process)?)?;
    Ok(f64::from(kibibytes) / 1024.0)
}
