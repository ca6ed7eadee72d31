//! How much of the bare limit the consumer reaches.
//!
//! The limit is what the product's own statements write when nothing else is to be done: the same messages, decoded
//! beforehand, through `Service::apply`, in batches as large as the consumer's and by as many writers, without Kafka,
//! without Redis and without publication. A copy of the statements in this program would drift from them, and what
//! `apply` does besides, hashing ids and folding in memory, is part of writing any batch.
//!
//! The consumer is `pulsegate consume` as it is deployed, with Redis, on topics of a real broker that were filled
//! before. Both write to the same PostgreSQL, which syncs every commit to disk, in turns, and both are timed from the
//! moment when a fifth of the messages is applied: starting up is over by then, and so are the events' descriptions and
//! distributions, which the two don't meet in the same order.
//!
//! What a hundredth of poison costs is told by the consumer's rate on the same messages with and without.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "figures for people")]

mod consume;
mod limit;
mod topics;
mod workload;

use std::env;
use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use bench::figures::Figure;
use tests::servers::postgres::{Durability, Postgres, Source};
use tests::services::Services;

use self::topics::Filled;
use self::workload::{Message, Shape};

/// Names how many messages a measurement of the slowest case takes.
const MESSAGES: &str = "BENCH_MESSAGES";
/// Names how often everything is measured.
const ROUNDS: &str = "BENCH_ROUNDS";
/// One transaction per message is slow: so many are enough.
const ONE_BY_ONE: usize = 2_000;
/// A measurement of so many messages at least has its descriptions and distributions in its first fifth.
const LEAST_MESSAGES: usize = 10 * workload::EVENTS;
/// Before the first measurement of the consumer has told how large its batches are.
const FIRST_BATCH: usize = 5_000;

/// Part of the messages that is applied when the clock starts: one in so many.
const UNTIMED: usize = 5;

/// Messages per second, round by round.
#[derive(Default)]
struct Rates {
    limit: Vec<f64>,
    consumer: Vec<f64>,
    one_by_one: Vec<f64>,
    poisoned: Vec<f64>,
}

struct Case {
    shape: Shape,
    writers: u16,
    messages: Vec<Message>,
    topics: Filled,
    /// With one message in a hundred that can't be applied.
    poisoned: Filled,
    batch: usize,
    rates: Rates,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let count: usize = setting(MESSAGES, 100_000)?;
    let rounds: usize = setting(ROUNDS, 5)?;
    ensure!(count >= LEAST_MESSAGES && rounds >= 1, "{MESSAGES} is at least {LEAST_MESSAGES}, {ROUNDS} 1");
    let services = Services::shared().await?;
    ensure!(services.kafka_is_real(), "a real Kafka is needed: {}", services.real_parts());
    let postgres = Postgres::start(&Source::find()?, Durability::Full).await?;

    let mut cases = Vec::new();
    for shape in [Shape::Uniform, Shape::Skewed] {
        for writers in [1, 2] {
            let messages = workload::generate(shape, count * times(shape, writers), writers);
            let topics = topics::fill(services, &messages, writers).await?;
            let poisoned = topics::fill(services, &workload::poison(&messages), writers).await?;
            cases.push(Case {
                shape,
                writers,
                messages,
                topics,
                poisoned,
                batch: FIRST_BATCH,
                rates: Rates::default(),
            });
        }
    }
    println!("{count} messages, {rounds} rounds after one that doesn't count");
    for round in 0..=rounds {
        for case in &mut cases {
            case.measure(&postgres, round).await?;
        }
    }
    print(&cases)
}

impl Case {
    /// One after the other, each of them first every second time.
    async fn measure(&mut self, postgres: &Postgres, round: usize) -> anyhow::Result<()> {
        let limit = async |batch| limit::measure(postgres, &self.messages, batch).await;
        let (bare, consumed, poisoned) = if round.is_multiple_of(2) {
            let consumed = consume::measure(postgres, &self.topics).await?;
            let poisoned = consume::measure(postgres, &self.poisoned).await?;
            (limit(consumed.batch).await?, consumed, poisoned)
        } else {
            let bare = limit(self.batch).await?;
            let poisoned = consume::measure(postgres, &self.poisoned).await?;
            (bare, consume::measure(postgres, &self.topics).await?, poisoned)
        };
        let participants = self.messages.get(2 * workload::EVENTS..);
        let some = participants.and_then(|all| all.get(..ONE_BY_ONE)).context("there are more")?;
        let one_by_one =
            if self.writers == 1 { Some(limit::measure(postgres, some, 1).await?) } else { None };
        println!(
            "round {round}: {:7} {} writers: limit {bare:.0}/s, consumer {:.0}/s in batches of {}, with poison {:.0}/s{}",
            self.shape,
            self.writers,
            consumed.rate,
            consumed.batch,
            poisoned.rate,
            one_by_one.map(|rate| format!(", one by one {rate:.0}/s")).unwrap_or_default()
        );
        self.batch = consumed.batch;
        if round > 0 {
            self.rates.limit.push(bare);
            self.rates.consumer.push(consumed.rate);
            self.rates.poisoned.push(poisoned.rate);
            self.rates.one_by_one.extend(one_by_one);
        }
        Ok(())
    }
}

/// How many times the messages of the slowest case a case takes, so that each is measured for about as long. What happens at
/// the end, where one writer is through before the other, then weighs little in all of them.
fn times(shape: Shape, writers: u16) -> usize {
    let shape = match shape {
        Shape::Uniform => 1,
        Shape::Skewed => 2,
    };
    shape * usize::from(writers)
}

fn print(cases: &[Case]) -> anyhow::Result<()> {
    println!("\nmessages per second: median [least–greatest]; ratios are taken within each round");
    println!(
        "| workload | writers | batch | limit | consumer | consumer / limit | consumer / one by one | with poison / without |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for case in cases {
        let Rates { limit, consumer, poisoned, .. } = &case.rates;
        // One by one there is no second writer to win: both numbers of writers are compared with the same.
        let one_by_one = cases
            .iter()
            .find(|other| other.shape == case.shape && other.writers == 1)
            .map(|other| other.rates.one_by_one.as_slice())
            .unwrap_or_default();
        println!(
            "| {} | {} | {} | {} | {} | {:.2} | {:.1} | {:.2} |",
            case.shape,
            case.writers,
            case.batch,
            figure(limit)?,
            figure(consumer)?,
            figure(&ratios(consumer, limit))?,
            figure(&ratios(consumer, one_by_one))?,
            figure(&ratios(poisoned, consumer))?,
        );
    }
    for shape in [Shape::Uniform, Shape::Skewed] {
        let rates = cases.iter().filter(|case| case.shape == shape).flat_map(|case| &case.rates.one_by_one);
        println!("one transaction per message, {shape}: {}", figure(&rates.copied().collect::<Vec<_>>())?);
    }
    Ok(())
}

fn figure(measured: &[f64]) -> anyhow::Result<Figure> {
    Figure::of(measured).context("nothing was measured")
}

fn ratios(of: &[f64], to: &[f64]) -> Vec<f64> {
    of.iter().zip(to).map(|(of, to)| of / to).collect()
}

fn setting<T: FromStr<Err: Display>>(variable: &str, default: T) -> anyhow::Result<T> {
    match env::var(variable) {
        Ok(text) => text.parse().map_err(|error| anyhow::anyhow!("{variable}={text}: {error}")),
        Err(_) => Ok(default),
    }
}
