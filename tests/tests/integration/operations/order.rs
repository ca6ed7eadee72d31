use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tests::servers::kafka::{self, Kafka};
use tests::servers::postgres::{self, Durability, Postgres};
use tests::servers::redis::{self, Redis};
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;

const SOON: Duration = Duration::from_secs(60);

/// Waits until a process is ready, or names `missing` as what keeps it from that.
async fn says(process: &Pulsegate, missing: Option<&str>) -> Value {
    wait::until("/readyz to say so", SOON, async || {
        let response = match reqwest::get(format!("{}/readyz", process.base())).await {
            Ok(response) => response,
            Err(fault) => return Ok(Err(fault.into())),
        };
        let (status, report): (_, Value) = (response.status(), response.json().await?);
        let as_expected = match missing {
            None => status == StatusCode::OK,
            Some(part) => status == StatusCode::SERVICE_UNAVAILABLE && report[part] != "ok",
        };
        Ok(if as_expected { Ok(report) } else { Err(anyhow::anyhow!("{status} {report}")) })
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dependency_may_come_late_go_and_return() {
    let mut database = Postgres::start(&postgres::Source::find().unwrap(), Durability::Full).await.unwrap();
    let mut cache = Redis::start(redis::Source::find().unwrap()).await.unwrap();
    let mut broker = Kafka::start(&kafka::Source::obtain().unwrap()).await.unwrap();
    let testbed = Testbed::builder().postgres(&database).redis(&cache).kafka(&broker).build().await.unwrap();
    database.kill().unwrap();
    cache.kill().unwrap();
    broker.kill().unwrap();

    let gateway = testbed.launch(Role::Serve, &[]).unwrap();
    let consumer = testbed.launch(Role::Consume, &[]).unwrap();
    says(&gateway, Some("database")).await;
    says(&consumer, Some("kafka")).await;
    broker.restart().await.unwrap();
    cache.restart().await.unwrap();
    says(&gateway, Some("database")).await;
    database.restart().await.unwrap();
    says(&gateway, None).await;
    says(&consumer, None).await;

    cache.kill().unwrap();
    says(&gateway, Some("cache")).await;
    let query = format!("{}/graphql?query=%7Bevents%7BtotalCount%7D%7D", gateway.base());
    let answer: Value = reqwest::get(&query).await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["events"]["totalCount"], 0, "slower, but never wrong: {answer}");
    cache.restart().await.unwrap();
    says(&gateway, None).await;

    database.kill().unwrap();
    says(&gateway, Some("database")).await;
    assert_eq!(reqwest::get(format!("{}/healthz", gateway.base())).await.unwrap().status(), StatusCode::OK);
    database.restart().await.unwrap();
    says(&gateway, None).await;
    says(&consumer, None).await;
}
