//! How long a partition lies unserved, as the database sees it: there are messages, and its position does not move.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::metadata::MetadataTopic;
use sea_orm::sqlx;
use tests::testbed::Testbed;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);

/// A topic's partition.
type Key = (String, i32);

pub(super) struct Served {
    watching: JoinHandle<Duration>,
    stop: Arc<AtomicBool>,
}

/// A partition's position, the end that it has to reach to have been served, and since when that end is known.
struct Place {
    position: i64,
    waiting: Option<(i64, Instant)>,
}

impl Served {
    pub(super) fn watch(testbed: &Testbed) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let topics = testbed.topics().sources().map(str::to_owned);
        let database = testbed.database().clone();
        let client: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", testbed.brokers()).create().unwrap();
        let client = Arc::new(client);
        let watching = tokio::spawn(async move {
            let mut places: HashMap<Key, Place> = HashMap::new();
            let mut longest = Duration::ZERO;
            while !stopped.load(Ordering::SeqCst) {
                let ends = ends(Arc::clone(&client), topics.clone()).await;
                let positions: Vec<(String, i32, i64)> =
                    sqlx::query_as("SELECT topic, partition, next_offset FROM consumer_position")
                        .fetch_all(&database)
                        .await
                        .unwrap();
                let now = Instant::now();
                for (topic, partition, position) in positions {
                    let key = (topic, partition);
                    let end = ends.get(&key).copied().unwrap_or_default();
                    let place = places.entry(key).or_insert(Place { position, waiting: None });
                    if place.waiting.is_some_and(|(end, _)| position >= end) {
                        place.waiting = None;
                    }
                    // As long as it moves, somebody serves it.
                    if position > place.position {
                        place.position = position;
                        place.waiting = place.waiting.map(|(end, _)| (end, now));
                    }
                    if end > position {
                        let (_, since) = *place.waiting.get_or_insert((end, now));
                        longest = longest.max(now - since);
                    }
                }
                sleep(LOOK).await;
            }
            longest
        });
        Self { watching, stop }
    }

    /// The longest time that any partition lay unserved so far.
    pub(super) async fn longest(self) -> Duration {
        self.stop.store(true, Ordering::SeqCst);
        self.watching.await.unwrap()
    }
}

async fn ends(client: Arc<BaseConsumer>, topics: [String; 3]) -> HashMap<Key, i64> {
    tokio::task::spawn_blocking(move || {
        let mut ends = HashMap::new();
        for topic in topics {
            let metadata = client.fetch_metadata(Some(&topic), PATIENCE).unwrap();
            for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
                let (_, end) = client.fetch_watermarks(&topic, partition.id(), PATIENCE).unwrap();
                ends.insert((topic.clone(), partition.id()), end);
            }
        }
        ends
    })
    .await
    .unwrap()
}
