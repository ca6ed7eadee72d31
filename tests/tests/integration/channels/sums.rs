//! After any history of readings, with distributions in between, the sums are right.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use consumer::message::{Kind, decode};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sea_orm::sqlx;
use serde_json::{Map, Value, json};
use service::clock::{Clock as _, ManualClock};
use service::ingest::{Batch, Message, Position};
use tests::servers::channel_api::{Behaviour, ChannelApi};
use tests::testbed::Testbed;

use super::{INTERVAL, assert_sums, fill, refresh, service};

const SEEDS: std::ops::Range<u64> = 0..6;
const STEPS: i64 = 40;
/// Name, type, and its place in a URL.
const CHANNELS: [(&str, &str, &str); 2] =
    [("지니TV", "TV", "%EC%A7%80%EB%8B%88TV"), ("링고비즈", "VOICE", "%EB%A7%81%EA%B3%A0%EB%B9%84%EC%A6%88")];
const COUNTERS: [&str; 5] = ["views", "conversions", "likes", "comments", "shares"];

/// What a channel should be, worked out anew: the largest of all statements; the growth from reading to reading.
#[derive(Clone, Debug, Default)]
struct Expected {
    stored: HashMap<&'static str, i64>,
    last: HashMap<&'static str, i64>,
    growth: HashMap<&'static str, i64>,
    /// The time of the newest statement of it, and what it says.
    cost: (i64, i64),
}

impl Expected {
    fn distribute(&mut self, sent: &Map<String, Value>, at: i64) {
        for counter in COUNTERS {
            let stored = self.stored.entry(counter).or_default();
            *stored = (*stored).max(sent.get(counter).and_then(Value::as_i64).unwrap_or(0));
        }
        if at > self.cost.0 {
            self.cost = (at, sent["distributionCost"].as_i64().unwrap());
        }
    }

    fn read(&mut self, sent: &Map<String, Value>, at: i64) {
        for counter in COUNTERS {
            let Some(value) = sent.get(counter).and_then(Value::as_i64) else { continue };
            let stored = self.stored.entry(counter).or_default();
            let last = self.last.entry(counter).or_insert(*stored);
            if value >= *stored {
                *self.growth.entry(counter).or_default() += value - *last;
                (*stored, *last) = (value, value);
            }
        }
        if let Some(cost) = sent.get("distributionCost").and_then(Value::as_i64)
            && at >= self.cost.0
        {
            self.cost = (at, cost);
        }
    }
}

fn numbers(random: &mut StdRng, step: i64, all: bool) -> Map<String, Value> {
    let mut numbers = Map::new();
    for counter in COUNTERS {
        if all || random.random_ratio(3, 4) {
            // It rises on the whole, and falls now and then.
            let value = step * 20 + random.random_range(0..100);
            numbers.insert(counter.to_owned(), value.into());
        }
    }
    if all || random.random() {
        numbers.insert("distributionCost".to_owned(), random.random_range(0..9_000).into());
    }
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_are_right_after_any_history() {
    let testbed = Testbed::new().await.unwrap();
    let events = fill(&testbed, SEEDS.count()).await;
    for (seed, event) in SEEDS.zip(&events) {
        sqlx::query("DELETE FROM channel_stats WHERE event_id = $1 AND channel_name <> ALL($2)")
            .bind(event)
            .bind(CHANNELS.map(|(name, ..)| name).to_vec())
            .execute(testbed.database())
            .await
            .unwrap();
        history(&testbed, seed, event).await;
        assert_sums(testbed.database()).await;
    }
}

async fn history(testbed: &Testbed, seed: u64, event: &str) {
    let mut random = StdRng::seed_from_u64(seed);
    let says: Arc<Mutex<HashMap<&str, String>>> = Arc::default();
    let api = {
        let says = Arc::clone(&says);
        ChannelApi::start(move |path| {
            let says = says.lock().unwrap();
            let name = says.keys().find(|name| path.ends_with(&format!("/{name}")));
            name.map_or(Behaviour::HangUp, |name| Behaviour::Body(says[name].clone()))
        })
        .await
        .unwrap()
    };
    let start = "2026-03-10T09:00:00Z".parse().unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let service = service(testbed, &api, clock.clone(), 1_000, INTERVAL);
    let mut expected = vec![Expected::default(); CHANNELS.len()];
    let mut offset = 0;
    for step in 0..STEPS {
        clock.set(clock.now() + TimeDelta::seconds(random.random_range(1..50)));
        let now = clock.now().timestamp();
        if random.random_ratio(1, 3) {
            // Late, or ahead of its time.
            let at = clock.now() + TimeDelta::seconds(random.random_range(-90..30));
            let place = random.random_range(0..CHANNELS.len());
            let mut channel = numbers(&mut random, step, true);
            expected[place].distribute(&channel, at.timestamp());
            channel.insert("channelName".to_owned(), CHANNELS[place].0.into());
            channel.insert("channelType".to_owned(), CHANNELS[place].1.into());
            let body = json!({ "eventId": event, "occurredAt": at, "channels": [channel] }).to_string();
            let headers: &[(&str, &[u8])] = &[];
            let fact = decode(Kind::DistributionCompleted, Some(body.as_bytes()), headers).unwrap().fact;
            let topic: Arc<str> = event.into();
            let message = Message { topic: topic.clone(), partition: 0, offset, message_id: None, fact };
            offset += 1;
            let positions = vec![Position { topic, partition: 0, next_offset: offset }];
            let batch = Batch { positions, messages: vec![message], ..Batch::default() };
            service.apply("cluster", &batch).await.unwrap();
        } else {
            for (place, (_, _, segment)) in CHANNELS.iter().enumerate() {
                let sent = numbers(&mut random, step, false);
                expected[place].read(&sent, now);
                says.lock().unwrap().insert(segment, Value::Object(sent).to_string());
            }
            let outcomes = refresh(&service, event).await;
            assert!(outcomes.iter().all(|one| one.outcome.is_ok()), "{outcomes:?}");
        }
    }

    let mut growth: HashMap<&str, i64> = HashMap::new();
    for ((name, ..), expected) in CHANNELS.iter().zip(&expected) {
        let (counters, cost): (Vec<i32>, i64) = sqlx::query_as(
            "SELECT ARRAY[views, conversions, likes, comments, shares], distribution_cost::bigint FROM channel_stats \
             WHERE event_id = $1 AND channel_name = $2",
        )
        .bind(event)
        .bind(name)
        .fetch_one(testbed.database())
        .await
        .unwrap();
        let due = COUNTERS.map(|counter| expected.stored.get(counter).copied().unwrap_or(0));
        assert_eq!(counters.into_iter().map(i64::from).collect::<Vec<_>>(), due, "seed {seed}, {name}");
        assert_eq!(cost, expected.cost.1, "seed {seed}, {name}");
        for (counter, grown) in &expected.growth {
            *growth.entry(counter).or_default() += grown;
        }
    }
    let sums: (i64, i64, i64) = sqlx::query_as(
        "SELECT coalesce(sum(views), 0), coalesce(sum(engagement), 0), coalesce(sum(conversions), 0) \
         FROM timeline_data WHERE event_id = $1",
    )
    .bind(event)
    .fetch_one(testbed.database())
    .await
    .unwrap();
    let of = |counters: &[&str]| counters.iter().filter_map(|counter| growth.get(counter)).sum::<i64>();
    assert_eq!(
        sums,
        (of(&["views"]), of(&["likes", "comments", "shares"]), of(&["conversions"])),
        "seed {seed}"
    );
}
