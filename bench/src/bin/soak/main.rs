//! Hours in little: queries, viewers and messages at a steady rate, while everything that the product stands on is killed
//! and comes back in turn. What has to hold: every message counts once, every viewer ends at the truth, no query fails
//! but for what is away, and no process grows.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "figures for people")]

mod asking;
mod calm;
mod graph;
mod samples;
mod saying;
mod trouble;
mod watching;

use std::env;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tests::servers::kafka::{self, Kafka};
use tests::servers::postgres::{self, Durability, Postgres};
use tests::servers::redis::{self, Redis};
use tests::testbed::{Role, Testbed};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::asking::Askers;
use self::calm::Calm;
use self::samples::{Counts, Samples, Watched};
use self::saying::Speaker;
use self::trouble::{Parts, Suffered};
use self::watching::Viewers;

/// Name how long it goes on, how many messages and queries there are in a second, how many viewers there are, and where
/// the graph is written to.
const MINUTES: &str = "SOAK_MINUTES";
const MESSAGES: &str = "SOAK_MESSAGES";
const QUERIES: &str = "SOAK_QUERIES";
const VIEWERS: &str = "SOAK_VIEWERS";
const GRAPH: &str = "SOAK_GRAPH";

const PARTITIONS: u16 = 12;
/// Memory is judged in a run that is long enough for every cache to be full at its first quarter.
const LONG: Duration = Duration::from_secs(600);
/// From the second to the last quarter.
const MOST_GROWTH: f64 = 0.1;

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(soak())
}

fn setting<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    name: &'static str,
    default: T,
) -> anyhow::Result<T> {
    env::var(name).ok().filter(|text| !text.is_empty()).map_or(Ok(default), |text| text.parse()).context(name)
}

async fn soak() -> anyhow::Result<()> {
    let lasts = Duration::from_secs(60 * setting(MINUTES, 20)?);
    let (messages, queries, viewers) =
        (setting(MESSAGES, 100)?, setting(QUERIES, 100)?, setting(VIEWERS, 300)?);
    let postgres = Postgres::start(&postgres::Source::find()?, Durability::Full).await?;
    let redis = Redis::start(redis::Source::find()?).await?;
    let kafka = Kafka::start(&kafka::Source::obtain()?).await?;
    let bed = Testbed::builder().postgres(&postgres).redis(&redis).kafka(&kafka).partitions(PARTITIONS);
    let testbed = bed.build().await?;
    let api = trouble::channel_api().await?;
    let channels = [
        ("CHANNEL_API_TV_URL", api.base()),
        ("CHANNEL_API_SNS_URL", api.base()),
        ("CHANNEL_REFRESH_INTERVAL", "5s"),
    ];
    let gateway = testbed.start(Role::Serve).await?;
    let consumer = testbed.start_with(Role::Consume, &channels).await?;

    let calm = Arc::new(Calm::default());
    let over = CancellationToken::new();
    let speaker = Speaker::introduce(&testbed).await?;
    let viewers = Viewers::open(gateway.base(), viewers, &over);
    let askers = Askers::start(gateway.base(), queries, &calm, &over)?;
    let watched = Watched { gateway: gateway.id()?, consumer: consumer.id()? };
    let counts = Counts { taken: speaker.taken(), answered: askers.answered(), updates: viewers.updates() };
    let began = Instant::now();
    let samples = tokio::spawn(Samples::take(watched, counts, over.clone()));
    let mut parts =
        Parts { postgres, redis, kafka, api, bases: [gateway.base(), consumer.base()].map(str::to_owned) };
    let (said, suffered) =
        tokio::join!(speaker.go_on(messages, lasts), parts.suffer_in_turn(began, lasts, &calm));
    let (said, suffered) = (said?, suffered?);

    // The truth, then whether everybody has heard it.
    let stored = speaker.wait_until_all_counts(&testbed, &said).await?;
    viewers.wait_until_all_know(&stored).await?;
    over.cancel();
    let samples = samples.await?;
    let (asked, seen) = (askers.end().await?, viewers.end().await?);

    let path = env::var(GRAPH).unwrap_or_else(|_| "target/soak.svg".to_owned());
    graph::draw(&PathBuf::from(&path), &samples, &suffered)?;
    println!("{}", report(&samples, &suffered));
    println!(
        "{} messages, each counted once. {asked}\n{seen}\nThe graph is in {path}.",
        said.values().sum::<u64>(),
    );
    ensure!(asked.failed == 0, "queries failed though nothing was away");
    let growth = samples.growth();
    ensure!(lasts < LONG || growth <= MOST_GROWTH, "a process grew by {:.0} %", growth * 100.0);
    Ok(())
}

fn report(samples: &Samples, suffered: &[Suffered]) -> String {
    let mut text = samples.table();
    text += "\n| killed | after | ready again, from its return on |\n|---|---|---|\n";
    for one in suffered {
        let minutes = one.at.as_secs_f64() / 60.0;
        let _ =
            writeln!(text, "| {} | {minutes:.1} min | {:.1} s |", one.what, one.ready_after.as_secs_f64());
    }
    text
}
