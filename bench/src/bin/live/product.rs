//! The gateway, and somebody who commits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use consumer::message::{Kind, decode};
use serde_json::{Value, json};
use service::clock::{Clock as _, SystemClock};
use service::ingest::{Batch, Message, Position};
use service::{Service, Settings};
use tests::servers::postgres::Postgres;
use tests::testbed::{Pulsegate, Role, Testbed};

use crate::Sent;

const EVENT: &str = "evt-0001";
const CLUSTER: &str = "bench";
const CHART: &str = "subscription ($event: ID!) {
  timelineUpdated(eventId: $event, minInterval: \"PT0.02S\") {
    kind revision coalesced totalParticipants cursor
    points { start end participants views engagement conversions cumulativeParticipants isPartial }
  }
}";

/// A gateway with one event.
pub(crate) struct Product {
    pub(crate) gateway: Pulsegate,
    service: Arc<Service>,
    _testbed: Testbed,
}

impl Product {
    pub(crate) async fn start(postgres: &Postgres) -> anyhow::Result<Self> {
        let testbed = Testbed::builder().postgres(postgres).build().await?;
        let gateway = testbed.start(Role::Serve).await?;
        let settings = Settings {
            database_url: testbed.database_url().to_owned(),
            database_read_url: None,
            redis_url: Some(testbed.redis_url().to_owned()),
            cache: true,
            pool_size: 4,
            acquire_timeout: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(30),
        };
        let service = Service::new(&settings, Arc::new(SystemClock))?;
        let product = Self { gateway, service, _testbed: testbed };
        let described = json!({
            "messageId": "created", "occurredAt": SystemClock.now(), "eventId": EVENT, "userId": "user-01",
            "eventTitle": "새해 경품 이벤트", "totalInvestment": "1500000.00", "expectedRevenue": "4200000.00",
        });
        product.commit(0, Kind::EventCreated, &described).await?;
        Ok(product)
    }

    /// The frame by which a viewer subscribes.
    pub(crate) fn subscription() -> anyhow::Result<String> {
        let payload = json!({ "query": CHART, "variables": { "event": EVENT } });
        Ok(serde_json::to_string(&json!({ "id": "chart", "type": "subscribe", "payload": payload }))?)
    }

    /// Registers people, so many in a second, each in a transaction of its own.
    pub(crate) async fn update(&self, rate: u32, lasts: Duration) -> anyhow::Result<Sent> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
        let (until, mut sent) = (Instant::now() + lasts, Sent::new());
        let mut number = 1;
        while Instant::now() < until {
            ticks.tick().await;
            let registered = json!({ "messageId": format!("m-{number}"), "occurredAt": SystemClock.now(), "eventId": EVENT });
            sent.push(self.commit(number, Kind::ParticipantRegistered, &registered).await?);
            number += 1;
        }
        Ok(sent)
    }

    /// The revision, and when it was committed.
    async fn commit(&self, offset: i64, kind: Kind, message: &Value) -> anyhow::Result<(i64, Instant)> {
        let headers: &[(&str, &[u8])] = &[];
        let decoded = decode(kind, Some(message.to_string().as_bytes()), headers)
            .map_err(|rejection| anyhow!("{}: {}", rejection.code, rejection.message))?;
        let topic: Arc<str> = "messages".into();
        let position = Position { topic: Arc::clone(&topic), partition: 0, next_offset: offset + 1 };
        let message =
            Message { topic, partition: 0, offset, message_id: decoded.message_id, fact: decoded.fact };
        let batch = Batch { positions: vec![position], messages: vec![message], ..Batch::default() };
        let applied = self.service.apply(CLUSTER, &batch).await?;
        let committed = Instant::now();
        ensure!(self.service.publish(&applied.commits).await, "the commit could not be published");
        let commit = applied.commits.first().context("the message had no effect")?;
        Ok((commit.revision, committed))
    }
}
