//! Correctness under fire: clients come, go, come back and read slowly, on several gateways, while messages arrive and
//! parts are killed. In the end every chart equals the database; on the way no revision goes back, and no update is
//! missing that was not superseded.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use chrono::{SecondsFormat, TimeDelta};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use serde_json::json;
use service::clock::{Clock as _, SystemClock};
use tests::servers::redis::{Redis, Source};
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::{unique, wait};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::chart::{Chart, Follows};
use super::client::{Diary, follow, this_minute};
use super::describe;
use super::truth::Truth;

/// Names how long messages arrive, in seconds.
const SECONDS: &str = "LIVE_SECONDS";
/// Names how many clients there are.
const CLIENTS: &str = "LIVE_CLIENTS";
/// Names the one round to try.
const SEED: &str = "TEST_SEED";

const GATEWAYS: usize = 3;
const EVENTS: usize = 8;
const USERS: usize = 3;
const CHANNELS: [&str; 3] = ["우리동네TV", "인스타그램", "링고비즈"];

/// All that can be hit.
struct Parts {
    redis: Redis,
    gateways: Vec<Pulsegate>,
    consumer: Pulsegate,
}

impl Parts {
    /// Does something bad, and puts it right after a while.
    async fn suffer(&mut self, random: &mut StdRng) -> &'static str {
        let pause = Duration::from_millis(random.random_range(0..2_000));
        match random.random_range(0..6) {
            0 | 1 => {
                self.redis.kill().unwrap();
                sleep(pause).await;
                self.redis.restart().await.unwrap();
                "Redis killed"
            }
            2 => {
                self.redis.freeze().unwrap();
                sleep(pause).await;
                self.redis.thaw().unwrap();
                "Redis stopped for a while"
            }
            3 | 4 => {
                let chosen = random.random_range(0..self.gateways.len());
                let gateway = &mut self.gateways[chosen];
                gateway.kill().unwrap();
                sleep(pause).await;
                gateway.restart().await.unwrap();
                "gateway killed"
            }
            _ => {
                self.consumer.kill().unwrap();
                sleep(pause).await;
                self.consumer.restart().await.unwrap();
                "consumer killed"
            }
        }
    }
}

/// Registers people for random events at random minutes of the last hour, a few at a time; gives how many.
async fn register(testbed: &Testbed, mut random: StdRng, until: Instant) -> i64 {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", testbed.brokers())
        .set("enable.idempotence", "true")
        .create()
        .unwrap();
    let mut sent: i64 = 0;
    while Instant::now() < until {
        let mut lines = Vec::new();
        for _ in 0..random.random_range(1..8) {
            let event = testbed.id("evt", random.random_range(0..EVENTS));
            let late = if random.random_ratio(1, 3) { random.random_range(0..50 * 60) } else { 0 };
            let at = SystemClock.now() - TimeDelta::seconds(late);
            sent += 1;
            let mut line = json!({
                "messageId": testbed.id("m", usize::try_from(sent).unwrap()), "eventId": event,
                "occurredAt": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            });
            if random.random_ratio(2, 3) {
                line["channelName"] = CHANNELS[random.random_range(0..CHANNELS.len())].into();
                line["channelType"] = "TV".into();
            }
            lines.push((event, line.to_string()));
        }
        let topic = &testbed.topics().participant_registered;
        join_all(lines.iter().map(|(event, line)| {
            producer.send(FutureRecord::to(topic).key(event).payload(line), Timeout::Never)
        }))
        .await
        .into_iter()
        .for_each(|delivered| {
            delivered.unwrap();
        });
        sleep(Duration::from_millis(random.random_range(0..200))).await;
    }
    sent
}

fn choose(testbed: &Testbed, random: &mut StdRng) -> Follows {
    let event = testbed.id("evt", random.random_range(0..EVENTS));
    match random.random_range(0..10) {
        0..6 => {
            let granularity = if random.random_ratio(2, 3) { "MINUTE" } else { "HOUR" };
            let (from, to) = (this_minute() - TimeDelta::hours(1), this_minute() + TimeDelta::minutes(10));
            Follows::Timeline { event, granularity, from, to }
        }
        6..9 => Follows::Event(event),
        _ => Follows::User(testbed.id("user", random.random_range(0..USERS))),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_chart_ends_as_the_database_whatever_is_killed() {
    let setting =
        |variable: &str, default: u64| std::env::var(variable).map_or(default, |text| text.parse().unwrap());
    let (seconds, clients, seed) =
        (setting(SECONDS, 40), setting(CLIENTS, 200), setting(SEED, unique::number()));
    println!("{SEED}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let redis = Redis::start(Source::find().unwrap()).await.unwrap();
    let testbed = Testbed::builder().redis(&redis).build().await.unwrap();
    let mut gateways = Vec::new();
    for _ in 0..GATEWAYS {
        gateways.push(testbed.start(Role::Serve).await.unwrap());
    }
    let consumer = testbed.start(Role::Consume).await.unwrap();
    let bases: Arc<[String]> = gateways.iter().map(|gateway| gateway.base().to_owned()).collect();
    let mut parts = Parts { redis, gateways, consumer };
    for event in 0..EVENTS {
        describe(&testbed, &testbed.id("evt", event), &testbed.id("user", event % USERS)).await;
    }

    let (end, ending) = watch::channel(None);
    let mut following = JoinSet::new();
    for _ in 0..clients {
        let chart = Chart::new(choose(&testbed, &mut random));
        let seeded = StdRng::seed_from_u64(random.random());
        following.spawn(follow(chart, Arc::clone(&bases), seeded, ending.clone()));
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    let registering = register(&testbed, StdRng::seed_from_u64(random.random()), until);
    let faults = async {
        let mut suffered = Vec::new();
        while Instant::now() < until {
            sleep(Duration::from_millis(random.random_range(1_000..4_000))).await;
            suffered.push(parts.suffer(&mut random).await);
        }
        suffered
    };
    let (sent, suffered) = tokio::join!(registering, faults);

    wait::until("all messages to be applied", Duration::from_secs(60), async || {
        let stored = Truth::read(testbed.database()).await.total();
        Ok(if stored == sent { Ok(()) } else { Err(anyhow!("{stored} of {sent} are stored")) })
    })
    .await
    .unwrap_or_else(|error| panic!("{SEED}={seed}: {error:#}"));
    end.send_replace(Some(Arc::new(Truth::read(testbed.database()).await)));
    let mut total = Diary::default();
    let mut wrong = Vec::new();
    while let Some(followed) = following.join_next().await {
        match followed.unwrap() {
            Ok(Diary { connections, resumes, resyncs, updates }) => {
                total.connections += connections;
                total.resumes += resumes;
                total.resyncs += resyncs;
                total.updates += updates;
            }
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    let some = &wrong[..wrong.len().min(5)];
    assert!(wrong.is_empty(), "{SEED}={seed}, {suffered:?}: {} charts are wrong: {some:#?}", wrong.len());
    println!("{sent} messages, {clients} clients: {total:?}, meanwhile {suffered:?}");
}
