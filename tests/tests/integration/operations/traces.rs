use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use prost::bytes::Bytes;
use serde_json::json;
use tests::testbed::{Role, Testbed};
use tests::wait;
use tokio::net::TcpListener;

/// What has come to the collector.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

/// Takes traces as a collector does, at the address that is returned.
async fn collector() -> (String, Spans) {
    async fn take(State(spans): State<Spans>, body: Bytes) {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        spans.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    }
    let spans = Spans::default();
    let router = Router::new().route("/v1/traces", post(take)).with_state(spans.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), spans)
}

/// A caller's place in a trace of its own.
#[derive(Clone, Copy)]
struct Caller {
    trace: u128,
    span: u64,
}

impl Caller {
    fn traceparent(self) -> String {
        format!("00-{:032x}-{:016x}-01", self.trace, self.span)
    }
}

impl Spans {
    fn of(&self, caller: Caller) -> Vec<Span> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|span| span.trace_id == caller.trace.to_be_bytes()).cloned().collect()
    }

    /// Waits for a part of the caller's trace; returns the names on the way from it to the caller, its own first.
    async fn way(&self, caller: Caller, name: &str) -> Vec<String> {
        wait::until(name, Duration::from_secs(30), async || {
            let spans = self.of(caller);
            let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
            let Some(mut span) = spans.iter().find(|span| span.name == name) else {
                return Ok(Err(anyhow::anyhow!("there are only {names:?}")));
            };
            let mut way = vec![span.name.clone()];
            while span.parent_span_id != caller.span.to_be_bytes() {
                let Some(parent) = spans.iter().find(|other| other.span_id == span.parent_span_id) else {
                    return Ok(Err(anyhow::anyhow!("{way:?} does not lead to the caller yet")));
                };
                span = parent;
                way.push(span.name.clone());
            }
            Ok(Ok(way))
        })
        .await
        .unwrap()
    }

    /// Waits for a statement of the caller's trace about `table`.
    async fn statement(&self, caller: Caller, table: &str) -> String {
        wait::until(table, Duration::from_secs(30), async || {
            let spans = self.of(caller);
            let attributes = spans.iter().flat_map(|span| &span.attributes);
            let mut texts =
                attributes.filter(|attribute| attribute.key == "db.query.text").map(|attribute| {
                    use opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue;
                    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
                        Some(StringValue(text)) => text.clone(),
                        other => panic!("no text: {other:?}"),
                    }
                });
            Ok(texts.find(|text| text.contains(table)).ok_or_else(|| anyhow::anyhow!("not among them")))
        })
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_and_a_message_are_seen_on_their_whole_way() {
    let testbed = Testbed::new().await.unwrap();
    let (address, spans) = collector().await;
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", address.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "200")];
    let gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let _consumer = testbed.start_with(Role::Consume, &variables).await.unwrap();

    // A message's trace goes on through its transaction, up to the commit that was told.
    let producer = Caller { trace: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4737, span: 0x00f0_67aa_0ba9_02b7 };
    let event = testbed.id("evt", 0);
    let topic = testbed.topics().sources()[0];
    let body = json!({ "eventId": event, "eventTitle": "이벤트", "userId": "hunter2", "totalInvestment": "1",
                       "expectedRevenue": "2", "occurredAt": "2026-01-05T00:00:00Z" });
    let header = format!("traceparent={}", producer.traceparent());
    testbed.kcat().produce_with(topic, &event, &body.to_string(), &[&header]).await.unwrap();
    let process = format!("process {topic}");
    for statement in ["INSERT", "UPDATE", "COMMIT"] {
        assert_eq!(spans.way(producer, statement).await, [statement, process.as_str()]);
    }
    assert!(spans.statement(producer, "event_stats").await.contains("$1"));

    // A request's leads through the operation to Redis and, as nothing is cached yet, to the tables. What has just changed
    // is not looked for in Redis.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let client = Caller { trace: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, span: 0x00f0_67aa_0ba9_02b8 };
    let document = "query Page($event: ID!) { event(eventId: $event) { title roi { roi } } }";
    let request = reqwest::Client::new().post(format!("{}/graphql", gateway.base()));
    let request = request.header("traceparent", client.traceparent());
    let request = request.json(&json!({ "query": document, "variables": { "event": event } }));
    let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["event"]["title"], "이벤트");
    for part in ["redis", "SELECT"] {
        assert_eq!(spans.way(client, part).await, [part, "query Page", "POST /graphql"]);
    }
    assert!(spans.statement(client, "event_stats").await.contains("$1"));

    // Values are nobody's business.
    let told = format!("{:?}", spans.0.lock().unwrap());
    assert!(!told.contains("hunter2") && !told.contains("이벤트"), "{told}");
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
