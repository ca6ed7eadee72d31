use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use tests::testbed::{Role, Testbed};
use tests::wait;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

type Spans = Arc<Mutex<Vec<Span>>>;

/// Takes traces as a collector does.
async fn collector() -> (String, Spans) {
    async fn take(State(spans): State<Spans>, body: Bytes) {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let resources = request.resource_spans.into_iter();
        let new = resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans);
        spans.lock().unwrap().extend(new);
    }
    let spans = Spans::default();
    let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), spans)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Waits for a part of a trace, and returns it with the names of those that it is part of, itself first.
async fn part(spans: &Spans, trace: &str, name: &str) -> (Span, Vec<String>) {
    wait::until(name, Duration::from_secs(30), async || {
        let all: Vec<Span> =
            spans.lock().unwrap().iter().filter(|span| hex(&span.trace_id) == trace).cloned().collect();
        let names: Vec<&str> = all.iter().map(|span| span.name.as_str()).collect();
        let Some(found) = all.iter().find(|span| span.name == name) else {
            return Ok(Err(anyhow::anyhow!("only {names:?}")));
        };
        let mut path = vec![found.name.clone()];
        let mut parent = found.parent_span_id.clone();
        while let Some(span) = all.iter().find(|span| span.span_id == parent) {
            path.push(span.name.clone());
            parent.clone_from(&span.parent_span_id);
        }
        if hex(&parent) != PARENT {
            return Ok(Err(anyhow::anyhow!("{path:?} is no part of the caller's yet")));
        }
        Ok(Ok((found.clone(), path)))
    })
    .await
    .unwrap()
}

const PARENT: &str = "00f067aa0ba902b7";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_from_the_client_to_the_statement_and_from_the_message_to_the_commit() {
    let testbed = Testbed::new().await.unwrap();
    let (address, spans) = collector().await;
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", address.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let _consumer = testbed.start_with(Role::Consume, &variables).await.unwrap();

    let asked = "4bf92f3577b34da6a3ce929d0e0e4736";
    let query = json!({ "query": "query Page { events(first: 1) { totalCount nodes { title } } }" });
    let request = reqwest::Client::new().post(format!("{}/graphql", gateway.base()));
    let request = request.header("traceparent", format!("00-{asked}-{PARENT}-01")).json(&query);
    assert!(request.send().await.unwrap().status().is_success());
    let (statement, path) = part(&spans, asked, "SELECT").await;
    assert_eq!(path, ["SELECT", "query Page", "POST /graphql"]);
    let text = statement.attributes.iter().find(|attribute| attribute.key == "db.query.text").unwrap();
    assert!(format!("{text:?}").contains("event_stats"), "{text:?}");
    part(&spans, asked, "redis").await;

    let sent = "4bf92f3577b34da6a3ce929d0e0e4737";
    let event = testbed.id("evt", 0);
    let topic = testbed.topics().sources()[0];
    let body = json!({ "eventId": event, "eventTitle": "이벤트", "userId": "u", "totalInvestment": "1", "expectedRevenue": "2",
                       "occurredAt": "2026-01-05T00:00:00Z" });
    let header = format!("traceparent=00-{sent}-{PARENT}-01");
    let mut kcat = tokio::process::Command::new("kcat")
        .args(["-P", "-b", testbed.brokers(), "-t", topic, "-k", &event, "-H", &header])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    kcat.stdin.take().unwrap().write_all(body.to_string().as_bytes()).await.unwrap();
    assert!(kcat.wait().await.unwrap().success());
    let process = format!("process {topic}");
    let (_, path) = part(&spans, sent, "COMMIT").await;
    assert_eq!(path, ["COMMIT", process.as_str()]);
    part(&spans, sent, "WITH").await;
}

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
