//! Messages that come in while dashboards are read, and somebody who looks whether what they read is old.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use sea_orm::sqlx::{self, PgPool};
use serde_json::{Value, json};
use service::clock::{Clock as _, SystemClock};
use tests::testbed::Testbed;
use tests::unique;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::data::FIRST_EVENT;
use crate::load::Client;
use crate::question::Question;

/// Messages per second, and the events that they are about.
const RATE: usize = 2_000;
pub(crate) const EVENTS: usize = 500;
const TICK: Duration = Duration::from_millis(50);
const CHANNELS: [(&str, &str); 4] =
    [("우리동네TV", "TV"), ("인스타그램", "SNS"), ("네이버블로그", "SNS"), ("링고비즈", "VOICE")];
/// What the database has shown for so long must be in every answer.
const GRACE: Duration = Duration::from_millis(250);

/// Producing, and checking, until it is stopped.
#[derive(Debug)]
pub(crate) struct Traffic {
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
}

/// What was sent and seen.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: AtomicU64,
    pub(crate) checked: AtomicU64,
    /// Answers with less than the same client had seen before.
    pub(crate) went_back: AtomicU64,
    /// Answers with less than the database had a while before they were asked for.
    pub(crate) stale: AtomicU64,
}

impl Traffic {
    pub(crate) async fn start(testbed: &Testbed, address: std::net::SocketAddr) -> anyhow::Result<Self> {
        let producer: FutureProducer =
            ClientConfig::new().set("bootstrap.servers", testbed.brokers()).set("linger.ms", "5").create()?;
        let topic = testbed.topics().participant_registered.clone();
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
        let produce = tokio::spawn(produce(producer, topic, Arc::clone(&stop), Arc::clone(&counts)));
        let check = tokio::spawn(check(
            testbed.database().clone(),
            Client::connect(address).await?,
            Arc::clone(&stop),
            Arc::clone(&counts),
        ));
        Ok(Self { stop, counts, tasks: vec![produce, check] })
    }

    pub(crate) async fn stop(self) -> anyhow::Result<Arc<Counts>> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await??;
        }
        Ok(self.counts)
    }
}

async fn produce(
    producer: FutureProducer,
    topic: String,
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    let run = unique::name();
    let mut ticks = interval(TICK);
    // What a busy moment held up is made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        for _ in 0..RATE / 20 {
            let key = (FIRST_EVENT + number * 7 % EVENTS).to_string();
            let (name, kind) = CHANNELS[number % CHANNELS.len()];
            let body = json!({
                "messageId": format!("{run}-{number}"),
                "occurredAt": SystemClock.now().to_rfc3339(),
                "eventId": key,
                "participantId": format!("p-{number}"),
                "channelName": name,
                "channelType": kind,
            });
            let body = body.to_string();
            let record = FutureRecord::to(&topic).key(&key).payload(&body);
            // Its delivery is awaited at the end.
            producer.send_result(record).map_err(|(error, _)| error)?;
            number += 1;
            counts.sent.fetch_add(1, Ordering::Relaxed);
        }
    }
    tokio::task::spawn_blocking(move || producer.flush(Duration::from_secs(10))).await??;
    Ok(())
}

async fn check(
    database: PgPool,
    mut client: Client,
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    let mut seen = vec![0; EVENTS];
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        // Several at a time, so that one pause does for all.
        let some: Vec<usize> = (0..10).map(|step| (number + step * 49) % EVENTS).collect();
        number += 1;
        let ids: Vec<String> = some.iter().map(|event| (FIRST_EVENT + event).to_string()).collect();
        let stored: Vec<(String, i32)> =
            sqlx::query_as("SELECT event_id, total_participants FROM event_stats WHERE event_id = ANY($1)")
                .bind(&ids)
                .fetch_all(&database)
                .await?;
        ensure!(stored.len() == ids.len(), "an event is missing");
        sleep(GRACE).await;
        for (event, id) in some.into_iter().zip(&ids) {
            let least =
                stored.iter().find(|(stored, _)| stored == id).map_or(0, |(_, count)| i64::from(*count));
            let answer: Value =
                serde_json::from_slice(client.ask(&Question::Dashboard.request(event)).await?)?;
            let told = answer
                .pointer("/data/event/totalParticipants")
                .and_then(Value::as_i64)
                .context("no totalParticipants")?;
            counts.checked.fetch_add(1, Ordering::Relaxed);
            if told < least {
                counts.stale.fetch_add(1, Ordering::Relaxed);
            }
            if told < seen[event] {
                counts.went_back.fetch_add(1, Ordering::Relaxed);
            }
            seen[event] = told;
        }
    }
    Ok(())
}

/// Hits and misses of the caches so far, from the gateway's metrics.
pub(crate) async fn lookups(base: &str) -> anyhow::Result<(f64, f64)> {
    let text = reqwest::get(format!("{base}/metrics")).await?.text().await?;
    let count = |outcome: &str| -> f64 {
        let ours = text.lines().filter(|line| {
            line.starts_with("pulsegate_cache_lookups_total") && line.contains(&format!("\"{outcome}\""))
        });
        ours.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    };
    Ok((count("hit") + count("carried"), count("miss")))
}
