//! What a live update costs for each of its viewers.
//!
//! The gateway is `pulsegate serve` as it is deployed, on a PostgreSQL that syncs every commit to disk and with Redis as
//! its bus. The messages are applied and published by this program, through the consumer's own calls, so that the moment
//! of the commit is known here, where the frames arrive too.
//!
//! Beside it, in the same run, a bare broadcaster: axum's WebSockets with the same buffers, one tokio broadcast channel,
//! nothing else. It sends the very frames that the gateway sent, as often. Both are processes of their own, so that their
//! processor time and their memory can be read from the system.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]

mod bare;
mod product;
mod viewers;

use std::collections::HashSet;
use std::env;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tests::servers::postgres::{Durability, Postgres, Source};
use tests::services::Services;
use tests::system::usage;

use self::product::Product;
use self::viewers::{Arrivals, Viewers};

/// Names the numbers of viewers, with commas between them.
const VIEWERS: &str = "BENCH_VIEWERS";
/// Updates per second.
const RATES: [u32; 2] = [1, 10];
/// How long updates are sent.
const LASTS: Duration = Duration::from_secs(10);
/// What is under way when the last update has been sent arrives in this time.
const SETTLES: Duration = Duration::from_secs(2);

/// One of the two under the same load.
#[derive(Clone, Copy, Debug)]
struct Measured {
    /// Processor time of the server for one delivered update.
    processor: Duration,
    /// From the commit, or from handing the frame to the broadcaster, to the client.
    p50: Duration,
    p99: Duration,
    /// KiB per viewer.
    memory: f64,
    delivered: usize,
}

/// When each update was on its way, by revision.
type Sent = Vec<(i64, Instant)>;

fn measured(
    process: u32,
    viewers: usize,
    (memory_before, processor_before): (u64, Duration),
    memory_after: u64,
    sent: &Sent,
    arrivals: &Arrivals,
) -> anyhow::Result<Measured> {
    let mut delays: Vec<Duration> = Vec::new();
    for times in &arrivals.times {
        let mut seen = HashSet::new();
        for (revision, at) in times {
            // An update that stands for several is as late as its last commit; one that comes again tells of a bucket that
            // has ended.
            let sent = sent.iter().find(|(known, _)| known == revision);
            if let Some((_, since)) = sent.filter(|_| seen.insert(*revision)) {
                delays.push(at.saturating_duration_since(*since));
            }
        }
    }
    delays.sort_unstable();
    let at =
        |part: f64| delays.get(((delays.len() as f64 * part) as usize).min(delays.len().saturating_sub(1)));
    let delivered = delays.len();
    let processor = usage::processor_time(process)?.saturating_sub(processor_before);
    Ok(Measured {
        processor: processor / u32::try_from(delivered)?.max(1),
        p50: *at(0.5).context("nothing arrived")?,
        p99: *at(0.99).context("nothing arrived")?,
        memory: memory_after.saturating_sub(memory_before) as f64 / viewers as f64,
        delivered,
    })
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match env::args().nth(1).as_deref() {
        Some("bare") => runtime.block_on(bare::serve()),
        _ => runtime.block_on(compare()),
    }
}

async fn compare() -> anyhow::Result<()> {
    let counts = env::var(VIEWERS).unwrap_or_else(|_| "1000,10000".to_owned());
    let counts = counts.split(',').map(|count| count.trim().parse().context(VIEWERS));
    let counts: Vec<usize> = counts.collect::<anyhow::Result<_>>()?;
    let services = Services::shared().await?;
    let postgres = Postgres::start(&Source::find()?, Durability::Full).await?;
    println!("{}", services.real_parts());
    println!(
        "| viewers | updates/s | delivered | CPU per update: bare | gateway | ratio | p99 (p50) of delivery: bare | gateway | \
         ratio | KiB per viewer: bare | gateway |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for viewers in counts {
        for rate in RATES {
            let (gateway, frames) = product(&postgres, viewers, rate).await?;
            let bare = broadcaster(viewers, rate, &frames).await?;
            print(viewers, rate, &bare, &gateway);
        }
    }
    println!(
        "goals: CPU ratio at most 1.5, p99 ratio at most 2, 12 KiB per viewer, p99 below 50 ms at 1000 viewers"
    );
    Ok(())
}

fn print(viewers: usize, rate: u32, bare: &Measured, gateway: &Measured) {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "| {viewers} | {rate} | {} / {} | {:.1} µs | {:.1} µs | {:.2} | {:.1} ms ({:.1}) | {:.1} ms ({:.1}) | {:.2} | {:.1} | {:.1} |",
        bare.delivered,
        gateway.delivered,
        micros(bare.processor),
        micros(gateway.processor),
        micros(gateway.processor) / micros(bare.processor),
        millis(bare.p99),
        millis(bare.p50),
        millis(gateway.p99),
        millis(gateway.p50),
        millis(gateway.p99) / millis(bare.p99),
        bare.memory,
        gateway.memory,
    );
}

/// The gateway; also the frames that one of its viewers got.
async fn product(postgres: &Postgres, viewers: usize, rate: u32) -> anyhow::Result<(Measured, Vec<String>)> {
    let product = Product::start(postgres).await?;
    let process = product.gateway.id()?;
    let memory = usage::memory(process)?;
    let watching = Viewers::open(product.gateway.base(), &Product::subscription()?, viewers).await?;
    tokio::time::sleep(SETTLES).await;
    let memory_after = usage::memory(process)?;
    let before = (memory, usage::processor_time(process)?);
    let sent = product.update(rate, LASTS).await?;
    tokio::time::sleep(SETTLES).await;
    let arrivals = watching.close().await?;
    let measured = measured(process, viewers, before, memory_after, &sent, &arrivals)?;
    Ok((measured, arrivals.frames))
}

/// The bare broadcaster.
async fn broadcaster(viewers: usize, rate: u32, frames: &[String]) -> anyhow::Result<Measured> {
    let broadcaster = bare::Broadcaster::start().await?;
    let process = broadcaster.id()?;
    let memory = usage::memory(process)?;
    let watching = Viewers::open(broadcaster.base(), "{}", viewers).await?;
    tokio::time::sleep(SETTLES).await;
    let memory_after = usage::memory(process)?;
    let before = (memory, usage::processor_time(process)?);
    let sent = broadcaster.send(frames, rate).await?;
    tokio::time::sleep(SETTLES).await;
    let arrivals = watching.close().await?;
    measured(process, viewers, before, memory_after, &sent, &arrivals)
}
