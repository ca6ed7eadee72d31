//! Housekeeping: partitions, old minutes, what is past its retention.

mod closed_days;
mod minutes;
mod partitions;
mod retention;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sqlx;
use service::clock::ManualClock;
use service::domain::{ChannelName, ChannelType, EventId, EventStatus, UserId};
use service::ingest::{Applied, Batch, EventCreated, Fact, Message, ParticipantRegistered, Position};
use service::{Service, Settings, Upkeep};
use tests::testbed::Testbed;

const TOPIC: &str = "participant.registered";

/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;

/// Nothing is merged, nothing is dropped that a test lives to see.
const KEEP: Upkeep = Upkeep {
    minute_days: 0,
    merge_eagerly: true,
    timeline_retention: None,
    processed_retention: Duration::from_secs(1_000 * DAY),
};

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A database, a service on it, and a clock to set. Decades ahead, where migrations have made no partition.
struct House {
    testbed: Testbed,
    clock: Arc<ManualClock>,
    service: Arc<Service>,
    sent: i64,
}

impl House {
    async fn at(now: &str) -> Self {
        Self::on(Testbed::new().await.unwrap(), now)
    }

    fn on(testbed: Testbed, now: &str) -> Self {
        let clock = Arc::new(ManualClock::new(instant(now)));
        let settings = Settings {
            database_url: testbed.database_url().to_owned(),
            database_read_url: None,
            redis_url: None,
            cache: true,
            pool_size: 4,
            acquire_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(10),
        };
        let service = Service::new(&settings, Arc::clone(&clock) as _).unwrap();
        Self { testbed, clock, service, sent: 0 }
    }

    async fn keep(&self, settings: Upkeep) {
        self.service.keep_house_once(&settings).await.unwrap();
    }

    /// The next facts of the one partition, without ids of their own.
    fn batch(&mut self, facts: impl IntoIterator<Item = Fact>) -> Batch {
        let messages: Vec<Message> = facts
            .into_iter()
            .zip(self.sent..)
            .map(|(fact, offset)| Message {
                topic: TOPIC.into(),
                partition: 0,
                offset,
                message_id: None,
                fact,
            })
            .collect();
        self.sent += i64::try_from(messages.len()).unwrap();
        Batch {
            positions: vec![Position { topic: TOPIC.into(), partition: 0, next_offset: self.sent }],
            messages,
            ..Batch::default()
        }
    }

    async fn say(&mut self, facts: impl IntoIterator<Item = Fact>) -> Applied {
        let batch = self.batch(facts);
        self.service.apply("cluster", &batch).await.unwrap()
    }

    /// The partition and the row's numbers: participants and the cumulative count.
    async fn row(&self, event: &str, timestamp: &str) -> Option<(String, i32, i32)> {
        let query = r#"SELECT tableoid::regclass::text, participants, cumulative_participants
                       FROM timeline_data WHERE event_id = $1 AND "timestamp" = $2"#;
        sqlx::query_as(query)
            .bind(event)
            .bind(instant(timestamp).naive_utc())
            .fetch_optional(self.testbed.database())
            .await
            .unwrap()
    }

    async fn partitions(&self, table: &str) -> Vec<String> {
        let query =
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1";
        sqlx::query_scalar(query).bind(table).fetch_all(self.testbed.database()).await.unwrap()
    }
}

fn described(event: &str, at: DateTime<Utc>) -> Fact {
    Fact::EventCreated(Box::new(EventCreated {
        event_id: EventId::parse(event).unwrap(),
        event_title: "봄맞이 쿠폰 주간".to_owned(),
        user_id: UserId::parse("user-1").unwrap(),
        total_investment: 1.into(),
        expected_revenue: 2.into(),
        target_roi: 0.into(),
        estimated_roi: None,
        sales_growth_rate: 0.into(),
        status: EventStatus::Active,
        occurred_at: at,
    }))
}

fn participant(event: &str, at: DateTime<Utc>) -> Fact {
    Fact::ParticipantRegistered(ParticipantRegistered {
        event_id: EventId::parse(event).unwrap(),
        channel: Some((ChannelName::parse("우리동네TV").unwrap(), ChannelType::Tv)),
        occurred_at: at,
    })
}
