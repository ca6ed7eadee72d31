use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sea_orm::sqlx::{self, PgPool};
use service::clock::ManualClock;
use service::{Service, Settings};
use tests::testbed::Testbed;
use tests::unique;

use super::delivery::{Partition, deliver, publish};
use super::history::{Generator, now};
use crate::judge::{reference, tables};

const HISTORIES: u64 = 40;
/// Names the one history to try.
const SEED: &str = "TEST_SEED";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_order_of_arrival_gives_the_same_tables() {
    let testbed = Testbed::new().await.unwrap();
    let seeds: Vec<u64> = match std::env::var(SEED) {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..HISTORIES).map(|_| unique::number()).collect(),
    };
    for seed in seeds {
        one_history(&testbed, seed).await;
    }
    let deadlocks: i64 =
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(testbed.database())
            .await
            .unwrap();
    assert_eq!(deadlocks, 0, "rows are not touched in one order");
}

async fn one_history(testbed: &Testbed, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let count = random.random_range(20..200);
    let messages = Generator::new(&mut random).messages(count);
    let partitions = Arc::new(publish(&mut random, &messages));
    let expected = reference::recompute(partitions.iter().flat_map(Partition::said));

    empty(testbed.database()).await;
    // The marks of what is processed are a fast path: with them and without them, all the same.
    let redis = random.random::<bool>().then(|| testbed.redis_url().to_owned());
    let services = [(); 2].map(|()| {
        let settings = Settings {
            database_url: testbed.database_url().to_owned(),
            database_read_url: None,
            redis_url: redis.clone(),
            cache: true,
            pool_size: 4,
            acquire_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
        };
        Service::new(&settings, Arc::new(ManualClock::new(now()))).unwrap()
    });
    deliver(&mut random, [&services[0], &services[1]], &format!("cluster-{seed}"), &partitions).await;

    let differences = tables::differences(&tables::read(testbed.database()).await, &expected);
    assert!(differences.is_empty(), "{SEED}={seed} gives other rows:\n{}", differences.join("\n"));
}

async fn empty(database: &PgPool) {
    let statement =
        "TRUNCATE consumer_position, processed_message, event_stats, channel_stats, timeline_data";
    sqlx::query(statement).execute(database).await.unwrap();
}
