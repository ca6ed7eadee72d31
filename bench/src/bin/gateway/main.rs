//! How close the gateway comes to what it stands on.
//!
//! Warm, its answers are compared with a bare axum handler that returns the same bytes; cold (`CACHE=off`), with
//! pgbench, which sends the very statements that the gateway was seen to send, prepared, over as many connections. Both
//! are measured in turns within one run, and ratios are taken within each turn: what else the machine does meets both.
//! The gateway, the handler and the consumer are processes of their own; the load comes from this one.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "figures for people")]

mod bare;
mod cases;
mod data;
mod live;
mod load;
mod pgbench;
mod question;
mod server;
mod startup;
mod table;

use std::env;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use anyhow::ensure;
use tests::services::Services;
use tests::testbed::Testbed;

use self::cases::Bench;
use self::server::Database;

/// Names how often everything is measured.
const ROUNDS: &str = "BENCH_ROUNDS";
/// Names how long each stretch of load is.
const SECONDS: &str = "BENCH_SECONDS";
/// Names the cases that are measured, by a part of their names.
const CASE: &str = "BENCH_CASE";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some(bare::ROLE) {
        return bare::serve(arguments).await;
    }
    let (rounds, seconds) = (setting(ROUNDS, 5)?, setting(SECONDS, 2)?);
    ensure!(rounds >= 1 && seconds >= 1, "{ROUNDS} and {SECONDS} are at least 1");
    let services = Services::shared().await?;
    ensure!(services.kafka_is_real(), "a real Kafka is needed: {}", services.real_parts());
    let database = Database::start().await?;
    let testbed = Testbed::builder().postgres(&database.postgres).build().await?;
    let tenth = Testbed::builder().postgres(&database.postgres).build().await?;
    data::fill(testbed.database(), data::WHOLE).await?;
    data::fill(tenth.database(), data::TENTH).await?;
    println!(
        "{} events with 4 channels, {} of them with 720 points; {rounds} rounds of {seconds} s after one that doesn't count\n",
        data::WHOLE.events,
        data::WHOLE.with_timeline
    );
    let bench = Bench {
        database: &database,
        testbed: &testbed,
        tenth: &tenth,
        rounds,
        time: Duration::from_secs(seconds),
        filter: setting(CASE, String::new())?,
    };
    let compared = bench.run().await?;
    println!("\nmedian [least–greatest]; µs of processor time per request\n{}", table::HEADING);
    for compared in compared {
        println!("{}", compared.row());
    }
    Ok(())
}

fn setting<T: FromStr<Err: Display>>(variable: &str, default: T) -> anyhow::Result<T> {
    match env::var(variable).ok().filter(|text| !text.is_empty()) {
        Some(text) => text.parse().map_err(|error| anyhow::anyhow!("{variable}={text}: {error}")),
        None => Ok(default),
    }
}
