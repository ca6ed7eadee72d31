use serde_json::json;
use tests::testbed::{Role, Testbed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_is_missed_by_nobody() {
    let testbed = Testbed::new().await.unwrap();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let mut gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    for _ in 0..20 {
        assert!(gateway.graphql().unwrap().data("{ __typename }", json!({})).await.is_ok());
    }
    assert!(gateway.terminate().unwrap().success());
}
