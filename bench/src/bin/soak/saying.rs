//! What other services say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{anyhow, ensure};
use chrono::{DateTime, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use sea_orm::sqlx;
use serde_json::{Value, json};
use service::clock::{Clock as _, SystemClock};
use tests::testbed::Testbed;
use tests::wait;
use tokio::time::{Instant, MissedTickBehavior, interval};

pub(crate) const EVENTS: usize = 50;
pub(crate) const USERS: usize = 5;
const CHANNELS: [(&str, &str); 2] = [("우리동네TV", "TV"), ("인스타그램", "SNS")];
const TICK: Duration = Duration::from_millis(50);
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(120);

/// Participants by event.
pub(crate) type Said = BTreeMap<String, u64>;

pub(crate) fn event(number: usize) -> String {
    format!("evt-{number:04}")
}

pub(crate) fn user(number: usize) -> String {
    format!("user-{}", number % USERS)
}

/// Whoever produces the messages.
pub(crate) struct Speaker {
    producer: FutureProducer,
    topics: [String; 3],
    taken: Arc<AtomicU64>,
}

impl Speaker {
    /// Tells of all events and of their channels.
    pub(crate) async fn introduce(testbed: &Testbed) -> anyhow::Result<Self> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", testbed.brokers())
            .set("enable.idempotence", "true")
            .set("reconnect.backoff.max.ms", "500")
            // However long the broker is away.
            .set("message.timeout.ms", "0")
            .create()?;
        let topics = testbed.topics().sources().map(str::to_owned);
        let speaker = Self { producer, topics, taken: Arc::default() };
        for number in 0..EVENTS {
            let described = json!({
                "messageId": format!("created-{number}"), "occurredAt": SystemClock.now(), "eventId": event(number),
                "eventTitle": format!("단골 감사 추첨 {number}"), "userId": user(number),
                "totalInvestment": "1500000.00", "expectedRevenue": "4200000.00",
            });
            speaker.say(0, &described).await?;
            let channels = CHANNELS.map(
                |(name, kind)| json!({ "channelName": name, "channelType": kind, "distributionCost": "120000.00" }),
            );
            let distributed = json!({
                "messageId": format!("distributed-{number}"), "occurredAt": SystemClock.now(),
                "eventId": event(number), "channels": channels,
            });
            speaker.say(2, &distributed).await?;
        }
        Ok(speaker)
    }

    /// Messages that the broker has.
    pub(crate) fn taken(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.taken)
    }

    /// Registers people, so many in a second; returns when the broker has all of it.
    pub(crate) async fn go_on(&self, rate: u64, lasts: Duration) -> anyhow::Result<Said> {
        let mut random = StdRng::seed_from_u64(1);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut said = Said::new();
        let mut acknowledged = FuturesUnordered::new();
        let (began, mut number) = (Instant::now(), 0);
        while began.elapsed() < lasts {
            tokio::select! {
                _ = ticks.tick() => {}
                Some(outcome) = acknowledged.next(), if !acknowledged.is_empty() => {
                    outcome?;
                    continue;
                }
            }
            let due = u64::try_from(began.elapsed().as_millis())? * rate / 1_000;
            while number < due {
                number += 1;
                let event = event(random.random_range(0..EVENTS));
                let (name, kind) = CHANNELS[random.random_range(0..CHANNELS.len())];
                let registered = json!({
                    "messageId": format!("m-{number}"), "occurredAt": now(), "eventId": event,
                    "participantId": format!("p-{number}"), "channelName": name, "channelType": kind,
                });
                *said.entry(event).or_default() += 1;
                acknowledged.push(async move { self.say(1, &registered).await });
            }
        }
        while let Some(outcome) = acknowledged.next().await {
            outcome?;
        }
        Ok(said)
    }

    async fn say(&self, topic: usize, message: &Value) -> anyhow::Result<()> {
        let (key, body) = (message["eventId"].as_str().unwrap_or_default(), message.to_string());
        let record = FutureRecord::to(&self.topics[topic]).key(key).payload(&body);
        self.producer.send(record, Timeout::Never).await.map_err(|(fault, _)| fault)?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until nothing waits in Kafka. What is stored then has to be what was said; it is returned.
    pub(crate) async fn wait_until_all_counts(&self, testbed: &Testbed, said: &Said) -> anyhow::Result<Said> {
        wait::until("the consumer to be through", CAUGHT_UP_WITHIN, async || {
            Ok(match testbed.lag().await {
                Ok(0) => Ok(()),
                Ok(lag) => Err(anyhow!("{lag} messages are left")),
                Err(fault) => Err(fault),
            })
        })
        .await?;
        let totals =
            "SELECT event_id, total_participants::bigint FROM event_stats WHERE total_participants > 0";
        let stored: Vec<(String, i64)> = sqlx::query_as(totals).fetch_all(testbed.database()).await?;
        let stored = stored.into_iter().map(|(event, count)| Ok((event, count.try_into()?)));
        let stored: Said = stored.collect::<anyhow::Result<_>>()?;
        ensure!(stored == *said, "said: {said:?}\nstored: {stored:?}");
        Ok(stored)
    }
}

fn now() -> DateTime<Utc> {
    SystemClock.now()
}
