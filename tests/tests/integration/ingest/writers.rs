//! Writers whose events overlap wait for each other, and for nothing else.

use std::sync::Arc;
use std::time::Duration;

use consumer::message::{Kind, decode};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sea_orm::sqlx;
use serde_json::json;
use service::clock::ManualClock;
use service::ingest::{Batch, Message, Position};
use service::{Service, Settings};
use tests::testbed::Testbed;

use super::history::now;

const SEED: u64 = 7;
const BATCHES: i64 = 60;
const MESSAGES: i64 = 100;
/// More than the batches name, so that there are always new ones between those that are known.
const EVENTS: u32 = 6_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_never_deadlock() {
    let testbed = Testbed::new().await.unwrap();
    let mut writers = Vec::new();
    for partition in 0..2 {
        let settings = Settings {
            database_url: testbed.database_url().to_owned(),
            database_read_url: None,
            redis_url: None,
            cache: true,
            pool_size: 2,
            acquire_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
        };
        let service = Service::new(&settings, Arc::new(ManualClock::new(now()))).unwrap();
        writers.push(tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(SEED + u64::try_from(partition).unwrap());
            for number in 0..BATCHES {
                service.apply("cluster", &batch(&mut random, partition, number)).await.unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let described: i64 = sqlx::query_scalar("SELECT count(*) FROM event_stats WHERE user_id <> ''")
        .fetch_one(testbed.database())
        .await
        .unwrap();
    assert!(described > 1_000, "{described} events are few to meet at");
}

/// Descriptions by one writer, participants by the other.
fn batch(random: &mut StdRng, partition: i32, number: i64) -> Batch {
    let headers: &[(&str, &[u8])] = &[];
    let (topic, kind) = match partition {
        0 => ("event.created", Kind::EventCreated),
        _ => ("participant.registered", Kind::ParticipantRegistered),
    };
    let messages = (0..MESSAGES).map(|place| {
        let body = json!({
            "eventId": format!("evt-{:05}", random.random_range(0..EVENTS)),
            "eventTitle": "봄맞이 쿠폰 주간",
            "userId": format!("user-{}", random.random_range(0..9)),
            "totalInvestment": "1",
            "expectedRevenue": "2",
            "occurredAt": "2026-03-10T08:00:00Z",
        });
        let fact = decode(kind, Some(body.to_string().as_bytes()), headers).unwrap().fact;
        let offset = number * MESSAGES + place;
        Message { topic: topic.into(), partition, offset, message_id: None, fact }
    });
    let messages = messages.collect();
    let next_offset = (number + 1) * MESSAGES;
    let positions = vec![Position { topic: topic.into(), partition, next_offset }];
    Batch { positions, messages, ..Batch::default() }
}
