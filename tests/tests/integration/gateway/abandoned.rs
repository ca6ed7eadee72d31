use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::sqlx;
use serde_json::json;
use tests::testbed::{Role, Testbed};

use super::fill;

const REQUESTS: usize = 80;
/// As many connections as a gateway has for reading and writing, by default.
const CONNECTIONS: i64 = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_and_goes_away_leaves_no_more_statements_behind_than_there_are_connections() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    let query = |number: usize| {
        format!("{{ a{number}: event(eventId: \"{event}\") {{ funnel {{ steps {{ count }} }} }} }}")
    };
    let mut locked = testbed.database().begin().await.unwrap();
    sqlx::query("LOCK TABLE channel_stats IN ACCESS EXCLUSIVE MODE").execute(&mut *locked).await.unwrap();
    let http = reqwest::Client::builder().timeout(Duration::from_millis(500)).build().unwrap();
    for portion in 0..4 {
        let asked = (0..REQUESTS / 4).map(|number| {
            let body = json!({ "query": query(portion * REQUESTS + number) });
            http.post(format!("{}/graphql", gateway.base())).json(&body).send()
        });
        assert!(join_all(asked).await.iter().all(Result::is_err), "none can be answered");
    }
    let waiting: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .fetch_one(testbed.database())
    .await
    .unwrap();
    assert!((1..=CONNECTIONS).contains(&waiting), "{waiting} statements wait");
    locked.rollback().await.unwrap();
    // Nothing is lost by it.
    let answer = client.data(&query(0), json!({})).await.unwrap();
    assert!(answer["a0"]["funnel"]["steps"].is_array(), "{answer}");
}
