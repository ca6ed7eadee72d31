use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::testbed::{Role, Testbed};
use tests::wait;
use tokio::time::Instant;

/// The contract's.
const WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stops_says_so_first() {
    let testbed = Testbed::new().await.unwrap();
    let mut gateway = testbed.start_with(Role::Serve, &[("SHUTDOWN_GRACE", "3s")]).await.unwrap();
    let base = gateway.base().to_owned();
    let mut socket = gateway.socket().await.unwrap();
    socket.subscribe("1", "subscription { userUpdated(userId: \"u\") { cursor } }", json!({})).await.unwrap();

    let begun = Instant::now();
    let ended = tokio::task::spawn_blocking(move || gateway.terminate());
    let report = wait::until("/readyz to say 503", WITHIN, async || {
        let response = reqwest::get(format!("{base}/readyz")).await?;
        let status = response.status();
        Ok(if status == StatusCode::SERVICE_UNAVAILABLE {
            Ok(response.json::<Value>().await?)
        } else {
            Err(anyhow::anyhow!("{status}"))
        })
    });
    assert_eq!(report.await.unwrap()["process"], "stopping");
    // Who asks all the same is still answered.
    let answer = reqwest::get(format!("{base}/graphql?query=%7B__typename%7D")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let fault = loop {
        match socket.next().await {
            Ok(_) => {}
            Err(fault) => break format!("{fault:#}"),
        }
    };
    assert!(fault.contains("1012") || fault.contains("Restart"), "{fault}");
    assert!(ended.await.unwrap().unwrap().success());
    assert!(begun.elapsed() < WITHIN);
    assert!(reqwest::get(format!("{base}/readyz")).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_stops_leaves_nothing_half_done() {
    let testbed = Testbed::new().await.unwrap();
    let mut consumer = testbed.start(Role::Consume).await.unwrap();
    let kcat = testbed.kcat();
    for number in 0..20 {
        let body = json!({ "eventId": testbed.id("evt", number), "eventTitle": "이벤트", "userId": "u", "totalInvestment": "1",
                           "expectedRevenue": "2", "occurredAt": "2026-01-05T00:00:00Z" });
        kcat.produce(testbed.topics().sources()[0], &testbed.id("evt", number), &body.to_string())
            .await
            .unwrap();
    }
    let applied = async || {
        let query = "SELECT count(*) FROM event_stats";
        sea_orm::sqlx::query_scalar::<_, i64>(query).fetch_one(testbed.database()).await.unwrap()
    };
    wait::until("something to be applied", Duration::from_secs(30), async || {
        let applied = applied().await;
        Ok(if applied > 0 { Ok(()) } else { Err(anyhow::anyhow!("nothing yet")) })
    })
    .await
    .unwrap();
    let begun = Instant::now();
    let (status, consumer) =
        tokio::task::spawn_blocking(move || (consumer.terminate(), consumer)).await.unwrap();
    assert!(status.unwrap().success(), "{}", consumer.log().unwrap());
    assert!(begun.elapsed() < WITHIN);
    assert_eq!(testbed.lag().await.unwrap(), 20 - applied().await, "Kafka knows what was applied");
}
