//! A consumer that crashes at each boundary between two steps, again and again, while messages keep coming: nothing is
//! lost, nothing counts twice, everything is announced.

mod announced;

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use futures_util::stream::{self, StreamExt as _};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use service::fault::Boundary;
use tests::report::not_for_real;
use tests::services::Services;
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::{unique, wait};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use self::announced::Announced;
use crate::judge::{reference, tables};
use crate::torture::broker::{self, Sender};
use crate::torture::messages::{self, Message};
use crate::torture::{letters, said};

const CRASHES: usize = 20;
/// Boundaries that are tried side by side, each with a database, topics and a group of its own.
const AT_A_TIME: usize = 4;
const PARTITIONS: u16 = 4;
/// Records that are sent at a time, poison among them.
const PORTION: usize = 25;
/// They are sent from the beginning again where crashes take longer: then they are repeated.
const MESSAGES: usize = 120 * PORTION;
const PAUSE: Duration = Duration::from_millis(50);
const CRASHES_WITHIN: Duration = Duration::from_secs(60);
const THROUGH_WITHIN: Duration = Duration::from_secs(90);
/// The signal of `abort`.
const ABORTED: i32 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_boundary_changes_nothing() {
    if !Services::shared().await.unwrap().kafka_is_real() {
        return not_for_real(
            "crashes at every boundary",
            "librdkafka's mock cluster knows no static members",
        );
    }
    let started = Instant::now();
    // On threads of their own: they wait for processes. Those that take longest come first.
    let runtime = Handle::current();
    let trials = Boundary::ALL.into_iter().rev().map(|boundary| {
        let runtime = runtime.clone();
        tokio::task::spawn_blocking(move || runtime.block_on(Trial::run(boundary)))
    });
    let outcomes: Vec<String> =
        stream::iter(trials).buffer_unordered(AT_A_TIME).map(|outcome| outcome.unwrap()).collect().await;
    println!("{}\nin {:.0} s", outcomes.join("\n"), started.elapsed().as_secs_f32());
}

/// One boundary.
struct Trial {
    boundary: Boundary,
    testbed: Testbed,
    random: StdRng,
    messages: Vec<Message>,
    sender: Sender,
    /// Portions sent, those that were repeated included.
    sent: usize,
}

impl Trial {
    async fn run(boundary: Boundary) -> String {
        let seed = unique::number();
        let testbed = Testbed::builder().partitions(PARTITIONS).build().await.unwrap();
        let announced = Announced::listen(&testbed).await.unwrap();
        let mut trial = Self {
            boundary,
            random: StdRng::seed_from_u64(seed),
            messages: messages::generate(seed, MESSAGES),
            sender: Sender::new(testbed.brokers(), testbed.topics()),
            testbed,
            sent: 0,
        };
        for _ in 0..CRASHES {
            trial.crash().await;
        }
        let what =
            trial.finish().await.unwrap_or_else(|error| panic!("{boundary:?}, seed {seed}: {error:#}"));
        announced.all(&trial.testbed).await.unwrap_or_else(|error| panic!("{boundary:?}: {error:#}"));
        what
    }

    /// As a member that comes back under its name: nobody has to wait until its session is over.
    fn member(&self, fault: &str) -> Pulsegate {
        let variables = [
            ("KAFKA_GROUP_INSTANCE_ID", "one"),
            ("KAFKA_HEARTBEAT_INTERVAL_MS", "300"),
            ("TIMELINE_MINUTE_DAYS", "0"),
            ("PULSEGATE_FAULT", fault),
        ];
        self.testbed.launch(Role::Consume, &variables).unwrap()
    }

    async fn crash(&mut self) {
        let rebalancing = matches!(self.boundary, Boundary::GivingUp | Boundary::GivenUp);
        // Partitions are taken on, and given up, once in a life.
        let passage = match self.boundary {
            Boundary::TakingOn | Boundary::GivingUp | Boundary::GivenUp => 1,
            _ => self.random.random_range(1..=3),
        };
        let mut consumer = self.member(&format!("crash:{}:{passage}", self.boundary.name()));
        let mut rival = None;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = consumer.ended().unwrap() {
                break status;
            }
            assert!(
                started.elapsed() < CRASHES_WITHIN,
                "{:?} is not met: {}",
                self.boundary,
                consumer.log().unwrap()
            );
            self.send().await;
            if rebalancing && rival.is_none() && owns_all(&consumer).await {
                let variables = [("KAFKA_HEARTBEAT_INTERVAL_MS", "300"), ("TIMELINE_MINUTE_DAYS", "0")];
                rival = Some(self.testbed.launch(Role::Consume, &variables).unwrap());
            }
            sleep(PAUSE).await;
        };
        let log = consumer.log().unwrap();
        assert_eq!(status.signal(), Some(ABORTED), "{status} {log}");
        assert!(log.contains("crashing, as PULSEGATE_FAULT says"), "{log}");
        if let Some(mut rival) = rival {
            assert!(rival.terminate().unwrap().success());
        }
    }

    async fn send(&mut self) {
        let portions = self.messages.len() / PORTION;
        let portion = self.sent % portions * PORTION;
        self.sender.send(&self.messages[portion..portion + PORTION]).await;
        self.sent += 1;
    }

    /// Lets all be read and compares.
    async fn finish(&mut self) -> anyhow::Result<String> {
        let mut consumer = self.member("");
        wait::until("the consumer to be through", THROUGH_WITHIN, async || {
            consumer.require_running()?;
            Ok(match self.testbed.lag().await {
                Ok(0) => Ok(()),
                Ok(lag) => Err(anyhow!("{lag} messages are left")),
                Err(error) => Err(error),
            })
        })
        .await?;
        let sent = &self.messages[..self.messages.len().min(self.sent * PORTION)];
        let expected = reference::recompute(sent.iter().filter_map(said));
        let differences = tables::differences(&tables::read(self.testbed.database()).await, &expected);
        ensure!(differences.is_empty(), "{} rows differ: {:#?}", differences.len(), differences.first());
        let (brokers, topic) = (self.testbed.brokers().to_owned(), self.testbed.topics().dead_letter.clone());
        let dead = tokio::task::spawn_blocking(move || broker::read(&brokers, &topic)).await??;
        let repeated = letters::check(&dead, &self.sender.poison);
        ensure!(consumer.terminate()?.success(), "it did not end well");
        Ok(format!(
            "{:20} {CRASHES} crashes, {} messages: 0 of {} rows differ, {} dead letters, {repeated} of them repeated",
            self.boundary.name(),
            self.sent * PORTION,
            expected.events.len() + expected.channels.len() + expected.buckets.len(),
            dead.len(),
        ))
    }
}

/// Whether there is something to be given up when another member comes. A process that has crashed has nothing.
async fn owns_all(consumer: &Pulsegate) -> bool {
    let assigned = consumer.metric("pulsegate_consumer_assigned_partitions", "").await;
    assigned.is_ok_and(|partitions| partitions == 3 * i64::from(PARTITIONS))
}
