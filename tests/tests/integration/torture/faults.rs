//! What is done to the parts.

use std::fmt;
use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tests::servers::kafka::Kafka;
use tests::servers::postgres::Postgres;
use tests::servers::redis::Redis;
use tests::testbed::Pulsegate;
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// `kill -9`; started again at once or a little later.
    KillConsumer,
    /// Stopped until its partitions have been given to another, then woken with a batch in hand.
    Zombie,
    KillPostgres,
    KillRedis,
    /// `FLUSHALL`.
    FlushRedis,
    KillBroker,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KillConsumer => "consumer killed",
            Self::Zombie => "consumer stopped and woken",
            Self::KillPostgres => "PostgreSQL killed",
            Self::KillRedis => "Redis killed",
            Self::FlushRedis => "Redis emptied",
            Self::KillBroker => "broker killed",
        })
    }
}

const DECK: [Fault; 10] = [
    Fault::KillConsumer,
    Fault::KillConsumer,
    Fault::KillConsumer,
    Fault::Zombie,
    Fault::KillPostgres,
    Fault::KillPostgres,
    Fault::KillRedis,
    Fault::FlushRedis,
    Fault::KillBroker,
    Fault::KillBroker,
];

/// So many, of each kind its share, in random order.
pub(super) fn choose(random: &mut StdRng, count: usize) -> Vec<Fault> {
    let mut faults = Vec::new();
    while faults.len() < count {
        let mut deck = DECK;
        deck.shuffle(random);
        faults.extend(deck);
    }
    faults.truncate(count);
    faults
}

/// Longer than the session of a consumer that says nothing.
const STOPPED: Duration = Duration::from_secs(9);

/// All that can be hit.
pub(super) struct Parts {
    pub(super) consumers: Vec<Pulsegate>,
    pub(super) postgres: Postgres,
    pub(super) redis: Redis,
    pub(super) broker: Kafka,
}

impl Parts {
    /// Does it, and puts right what it broke, but for what the consumers have to put right themselves.
    pub(super) async fn suffer(&mut self, random: &mut StdRng, fault: Fault) {
        for consumer in &mut self.consumers {
            consumer.require_running().unwrap();
        }
        let pause = Duration::from_millis(random.random_range(0..2_500));
        let chosen = random.random_range(0..self.consumers.len());
        let consumer = &mut self.consumers[chosen];
        match fault {
            Fault::KillConsumer => {
                consumer.kill().unwrap();
                sleep(pause).await;
                consumer.launch().unwrap();
            }
            Fault::Zombie => {
                consumer.freeze().unwrap();
                sleep(STOPPED + pause).await;
                consumer.thaw().unwrap();
            }
            Fault::KillPostgres => {
                self.postgres.kill().unwrap();
                sleep(pause).await;
                self.postgres.restart().await.unwrap();
            }
            Fault::KillRedis => {
                self.redis.kill().unwrap();
                sleep(pause).await;
                self.redis.restart().await.unwrap();
            }
            Fault::FlushRedis => {
                let client = redis::Client::open(self.redis.url()).unwrap();
                let mut connection = client.get_multiplexed_async_connection().await.unwrap();
                let () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
            }
            Fault::KillBroker => {
                self.broker.kill().unwrap();
                sleep(pause).await;
                self.broker.restart().await.unwrap();
            }
        }
    }
}
