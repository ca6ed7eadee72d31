//! What the processes used, second by second.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tests::system::usage;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

/// Processes by their ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    pub(crate) gateway: u32,
    pub(crate) consumer: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    /// MiB.
    pub(crate) gateway: f64,
    pub(crate) consumer: f64,
    /// So far.
    pub(crate) taken: u64,
    pub(crate) answered: u64,
    pub(crate) updates: u64,
}

/// What is counted while it goes on.
pub(crate) struct Counts {
    /// Messages that the broker has.
    pub(crate) taken: Arc<AtomicU64>,
    /// Queries.
    pub(crate) answered: Arc<AtomicU64>,
    /// That viewers got.
    pub(crate) updates: Arc<AtomicU64>,
}

pub(crate) struct Samples(pub(crate) Vec<Sample>);

fn mebibytes(process: u32) -> f64 {
    // A process that ended uses none; that it did is told elsewhere.
    usage::memory(process).map_or(0.0, |kibibytes| kibibytes as f64 / 1024.0)
}

impl Samples {
    /// Takes one each second until it is over.
    pub(crate) async fn take(of: Watched, counts: Counts, over: CancellationToken) -> Self {
        let began = Instant::now();
        let mut ticks = interval(Duration::from_secs(1));
        let mut all = Vec::new();
        while over.run_until_cancelled(ticks.tick()).await.is_some() {
            all.push(Sample {
                at: began.elapsed(),
                gateway: mebibytes(of.gateway),
                consumer: mebibytes(of.consumer),
                taken: counts.taken.load(Ordering::Relaxed),
                answered: counts.answered.load(Ordering::Relaxed),
                updates: counts.updates.load(Ordering::Relaxed),
            });
        }
        Self(all)
    }

    /// The mean of a quarter, counted from 0.
    fn quarter(&self, number: usize, of: fn(&Sample) -> f64) -> f64 {
        let length = self.0.len() / 4;
        let part = self.0.iter().skip(number * length).take(length);
        part.map(of).sum::<f64>() / length.max(1) as f64
    }

    fn growth_of(&self, of: fn(&Sample) -> f64) -> f64 {
        self.quarter(3, of) / self.quarter(1, of) - 1.0
    }

    /// By how much that process grew which grew most, from the second quarter to the last, as a part of one.
    pub(crate) fn growth(&self) -> f64 {
        self.growth_of(|sample| sample.gateway).max(self.growth_of(|sample| sample.consumer))
    }

    pub(crate) fn table(&self) -> String {
        let mut text = "| memory in MiB | second quarter | third | last | growth from second to last | most |\n|---|---|---|---|---|---|\n"
            .to_owned();
        let gateway: fn(&Sample) -> f64 = |sample| sample.gateway;
        let consumer: fn(&Sample) -> f64 = |sample| sample.consumer;
        for (name, of) in [("gateway", gateway), ("consumer", consumer)] {
            let [second, third, last] = [1, 2, 3].map(|number| self.quarter(number, of));
            let growth = self.growth_of(of) * 100.0;
            let most = self.0.iter().map(of).fold(0.0, f64::max);
            let _ = writeln!(
                text,
                "| {name} | {second:.1} | {third:.1} | {last:.1} | {growth:+.1} % | {most:.1} |"
            );
        }
        text
    }
}
