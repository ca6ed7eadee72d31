//! Messages in random order, some twice, some poison, on real servers, while consumers, PostgreSQL, Redis and the broker
//! are killed: nothing is lost, nothing counts twice, every poison message ends as a dead letter.

pub(crate) mod broker;
mod faults;
pub(crate) mod letters;
pub(crate) mod messages;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tests::report::not_for_real;
use tests::servers::kafka::{self, Kafka};
use tests::servers::postgres::{self, Durability, Postgres};
use tests::servers::redis::{self, Redis};
use tests::testbed::{Role, Testbed};
use tests::{unique, wait};
use tokio::time::{Instant, sleep};

use self::broker::Sender;
use self::faults::{Fault, Parts};
use self::messages::Message;
use crate::judge::reference::{self, Said};
use crate::judge::tables;

/// Names the number of messages of a round.
const MESSAGES: &str = "TORTURE_MESSAGES";
/// Names the number of faults of a round.
const KILLS: &str = "TORTURE_KILLS";
/// Names how long to go on with further rounds.
const SECONDS: &str = "TORTURE_SECONDS";
/// Names the one round to try.
const SEED: &str = "TEST_SEED";

const PARTITIONS: u16 = 12;
const CONSUMERS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_counts_twice_whatever_is_killed() {
    let source = match kafka::Source::obtain() {
        Ok(source) => source,
        Err(error) => return not_for_real("torture", &format!("no broker to kill: {error:#}")),
    };
    let (count, kills, seconds) = (setting(MESSAGES, 40_000), setting(KILLS, 10), setting(SECONDS, 0));
    let started = Instant::now();
    loop {
        round(&source, setting(SEED, unique::number()), count, kills).await;
        if started.elapsed() >= Duration::from_secs(seconds) {
            return;
        }
    }
}

async fn round(source: &kafka::Source, seed: u64, count: usize, kills: usize) {
    println!("{SEED}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let messages = messages::generate(seed, count);
    let expected = reference::recompute(messages.iter().filter_map(said));
    let postgres = Postgres::start(&postgres::Source::find().unwrap(), Durability::Full).await.unwrap();
    let redis = Redis::start(redis::Source::find().unwrap()).await.unwrap();
    let broker = Kafka::start(source).await.unwrap();
    let bed = Testbed::builder().postgres(&postgres).redis(&redis).kafka(&broker).partitions(PARTITIONS);
    let testbed = bed.build().await.unwrap();
    let mut consumers = Vec::new();
    for _ in 0..CONSUMERS {
        // Minutes are compared as they were written.
        let variables = [("TIMELINE_MINUTE_DAYS", "0")];
        consumers.push(testbed.start_with(Role::Consume, &variables).await.unwrap());
    }
    let mut parts = Parts { consumers, postgres, redis, broker };
    let mut sender = Sender::new(testbed.brokers(), testbed.topics());

    let started = Instant::now();
    let mut suffered: BTreeMap<Fault, usize> = BTreeMap::new();
    // A portion more than there are faults, so that there is work before the first and after the last.
    let mut portions = messages.chunks(count.div_ceil(kills + 1));
    sender.send(portions.next().unwrap_or_default()).await;
    for fault in faults::choose(&mut random, kills) {
        let portion = portions.next().unwrap_or_default();
        let delay = Duration::from_millis(random.random_range(0..1_500));
        tokio::join!(sender.send(portion), async {
            sleep(delay).await;
            parts.suffer(&mut random, fault).await;
        });
        *suffered.entry(fault).or_default() += 1;
    }
    for portion in portions {
        sender.send(portion).await;
    }
    let limit = Duration::from_secs(120 + u64::try_from(count / 500).unwrap());
    wait::until("the consumers to be through", limit, async || {
        for consumer in &mut parts.consumers {
            consumer.require_running()?;
        }
        Ok(match testbed.lag().await {
            Ok(0) => Ok(()),
            Ok(lag) => Err(anyhow!("{lag} messages are left")),
            Err(error) => Err(error),
        })
    })
    .await
    .unwrap_or_else(|error| panic!("{SEED}={seed}: {error:#}"));
    let took = started.elapsed();

    let differences = tables::differences(&tables::read(testbed.database()).await, &expected);
    let some: Vec<&String> = differences.iter().take(10).collect();
    assert!(differences.is_empty(), "{SEED}={seed}: {} rows differ:\n{some:#?}", differences.len());
    let (brokers, topic) = (testbed.brokers().to_owned(), testbed.topics().dead_letter.clone());
    let dead = tokio::task::spawn_blocking(move || broker::read(&brokers, &topic)).await.unwrap().unwrap();
    let repeated = letters::check(&dead, &sender.poison);
    for consumer in &mut parts.consumers {
        let status = consumer.terminate().unwrap();
        assert!(status.success(), "{SEED}={seed}: {status}");
    }
    let suffered: Vec<String> = suffered.iter().map(|(fault, times)| format!("{times}× {fault}")).collect();
    println!(
        "{count} messages, {} of them poison, in {:.0} s, meanwhile {}: no row of {} differs, {} dead letters, \
         {repeated} of them repeated",
        sender.poison.len(),
        took.as_secs_f32(),
        suffered.join(", "),
        expected.events.len() + expected.channels.len() + expected.buckets.len(),
        dead.len(),
    );
}

/// For the judge, who hears nothing of poison.
pub(crate) fn said(message: &Message) -> Option<Said<'_>> {
    let body = message.body.as_deref().filter(|_| message.poison.is_none())?;
    Some(Said { topic: message.topic, id: "", body: std::str::from_utf8(body).unwrap() })
}

fn setting<T: std::str::FromStr<Err: std::fmt::Debug>>(variable: &str, default: T) -> T {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}
