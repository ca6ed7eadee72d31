//! The gateway over real PostgreSQL and Redis: what a query costs, and what it keeps.

mod abandoned;
mod cache;
mod carried;
mod clients;
pub(crate) mod counter;
mod documents;
mod errors;
mod examples;
mod export;
mod freshness;
mod indexes;
mod paging;
mod replica;
mod responses;
mod statements;
mod tables;
mod walk;

use sea_orm::sqlx;
use tests::testbed::Testbed;

/// Fills the tables without a consumer: `events` events of one user, each with two channels and a minute in each of
/// three hours.
pub(crate) async fn fill(testbed: &Testbed, events: usize) -> Vec<String> {
    let ids: Vec<String> = (0..events).map(|number| testbed.id("evt", number)).collect();
    sqlx::query(
        "INSERT INTO event_stats (event_id, event_title, user_id, total_participants, total_views, \
                                  total_investment, expected_revenue, target_roi, created_at, revision) \
         SELECT id, '새해 경품 이벤트 ' || n, $2, 3, 20, 1000, 2500, 100, TIMESTAMP '2026-01-05' + n * INTERVAL '1 hour', 1 \
         FROM unnest($1::text[]) WITH ORDINALITY AS sent (id, n)",
    )
    .bind(&ids)
    .bind(testbed.id("user", 0))
    .execute(testbed.database())
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO channel_stats (event_id, channel_name, channel_type, impressions, views, clicks, participants, \
                                    conversions, distribution_cost) \
         SELECT id, name, type, 100, 10, 5, 1, 1, 120.50 FROM unnest($1::text[]) AS id, \
                (VALUES ('우리동네TV', 'TV'), ('인스타그램', 'SNS')) AS channel (name, type)",
    )
    .bind(&ids)
    .execute(testbed.database())
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO timeline_data (event_id, timestamp, participants, cumulative_participants) \
         SELECT id, TIMESTAMP '2026-01-05 00:30' + n * INTERVAL '1 hour', 1, n FROM unnest($1::text[]) AS id, \
                generate_series(1, 3) AS n",
    )
    .bind(&ids)
    .execute(testbed.database())
    .await
    .unwrap();
    ids
}
