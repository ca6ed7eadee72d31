use std::time::Duration;

use anyhow::ensure;
use sea_orm::sqlx;
use serde_json::json;
use tests::testbed::{Role, Testbed};
use tests::wait;

/// So many that sorting them all would cost more than an index.
const EVENTS: i32 = 20_000;

/// Every tenth has no ROI.
async fn insert(testbed: &Testbed) {
    sqlx::query(
        "INSERT INTO event_stats (event_id, event_title, user_id, total_investment, expected_revenue, estimated_roi, revision) \
         SELECT 'evt-' || n, '이벤트', 'user-01', CASE WHEN n % 10 = 0 THEN 0 ELSE 1000 END, n * 7919 % 5000, n * 31 % 900, 1 \
         FROM generate_series(1, $1) AS n",
    )
    .bind(EVENTS)
    .execute(testbed.database())
    .await
    .unwrap();
    sqlx::query("VACUUM ANALYZE event_stats").execute(testbed.database()).await.unwrap();
}

/// How often the indexes were used, in the order of their names.
async fn uses(testbed: &Testbed) -> i64 {
    sqlx::query_scalar(
        "SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes \
         WHERE relname = 'event_stats' AND indexrelname LIKE 'idx_event_stats_%roi%'",
    )
    .fetch_one(testbed.database())
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_and_the_worst_by_roi_come_from_an_index_on_every_page() {
    let testbed = Testbed::new().await.unwrap();
    insert(&testbed).await;
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    let mut before = uses(&testbed).await;
    for field in ["ROI", "ESTIMATED_ROI"] {
        for direction in ["ASC", "DESC"] {
            let mut asked = 0;
            for (size, cursor, place) in [("first", "after", "endCursor"), ("last", "before", "startCursor")]
            {
                let document = format!(
                    "query ($cursor: String) {{ events({size}: 20, {cursor}: $cursor, \
                       orderBy: {{ field: {field}, direction: {direction} }}) {{ nodes {{ eventId }} pageInfo {{ {place} }} }} }}"
                );
                let mut at = json!(null);
                for _page in ["outermost", "next"] {
                    let answer = client.data(&document, json!({ "cursor": at })).await.unwrap();
                    assert_eq!(answer["events"]["nodes"].as_array().unwrap().len(), 20);
                    at = answer["events"]["pageInfo"][place].clone();
                    asked += 1;
                }
            }
            // PostgreSQL tells its statistics some seconds later.
            let what = format!("each page by {field} {direction} to use an index");
            before = wait::until(&what, Duration::from_secs(30), async || {
                let now = uses(&testbed).await;
                Ok(async {
                    ensure!(now >= before + asked);
                    Ok(now)
                }
                .await)
            })
            .await
            .unwrap();
        }
    }
}
