//! Channels' metrics from outside: what is read is stored once and right, whatever the APIs do.

mod misbehaviour;
mod refresh;
mod replicas;
mod sums;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::{self, PgPool};
use service::Service;
use service::channel_api::{BaseUrl, Refreshed, Settings};
use service::clock::SharedClock;
use service::domain::{ChannelType, EventId, Viewer};
use service::read::{EventEntry, With};
use tests::servers::channel_api::ChannelApi;
use tests::testbed::Testbed;

const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_millis(600);

/// A service that may call this API for all types of channels.
fn service(
    testbed: &Testbed,
    api: &ChannelApi,
    clock: SharedClock,
    failures: u32,
    interval: Duration,
) -> Arc<Service> {
    let settings = service::Settings {
        database_url: testbed.database_url().to_owned(),
        database_read_url: None,
        redis_url: None,
        cache: true,
        pool_size: 4,
        acquire_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(10),
    };
    let service = Service::new(&settings, clock).unwrap();
    let base = BaseUrl::parse(api.base()).unwrap();
    let bases: BTreeMap<_, _> = ChannelType::ALL.into_iter().map(|kind| (kind, base.clone())).collect();
    let settings =
        Settings { bases, interval, timeout: TIMEOUT, breaker_failures: failures, breaker_open: INTERVAL };
    service.use_channel_apis(&settings, 7).unwrap();
    service
}

/// Describes events, each with a channel of each type.
async fn fill(testbed: &Testbed, events: usize) -> Vec<String> {
    let ids: Vec<String> = (0..events).map(|number| testbed.id("evt", number)).collect();
    sqlx::query(
        "INSERT INTO event_stats (event_id, event_title, user_id, revision) \
         SELECT id, '봄맞이 쿠폰 주간', 'user-1', 1 FROM unnest($1::text[]) AS id",
    )
    .bind(&ids)
    .execute(testbed.database())
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO channel_stats (event_id, channel_name, channel_type) SELECT id, name, type \
         FROM unnest($1::text[]) AS id, \
              (VALUES ('우리동네TV', 'TV'), ('인스타그램', 'SNS'), ('링고비즈', 'VOICE'), ('지니TV', 'TV')) \
              AS channel (name, type)",
    )
    .bind(&ids)
    .execute(testbed.database())
    .await
    .unwrap();
    ids
}

async fn entry(service: &Service, event: &str) -> Arc<EventEntry> {
    let id = EventId::parse(event).unwrap();
    service
        .events(&Viewer::Open, std::slice::from_ref(&id), With::Nothing)
        .await
        .unwrap()
        .remove(&id)
        .unwrap()
}

/// Reads an event now.
async fn refresh(service: &Arc<Service>, event: &str) -> Arc<[Refreshed]> {
    let entry = entry(service, event).await;
    service.refresh_event(&entry).await.unwrap()
}

/// What must hold whatever was read: the event's views are its channels', in the tables themselves.
async fn assert_sums(database: &PgPool) {
    let wrong: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM event_stats WHERE total_views <> (SELECT coalesce(sum(views), 0) FROM channel_stats \
         WHERE channel_stats.event_id = event_stats.event_id)",
    )
    .fetch_one(database)
    .await
    .unwrap();
    assert_eq!(wrong, 0, "events whose views are not those of their channels");
}
