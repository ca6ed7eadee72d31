//! Two gateways behind the proxy that is deployed.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tests::clients::events::Events;
use tests::clients::socket::{Frame, Socket};
use tests::report;
use tests::servers::nginx::{self, Nginx};
use tests::system::program;
use tests::testbed::{Pulsegate, Role, Testbed};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
const FOLLOW: &str = "subscription ($event: ID!) { eventUpdated(eventId: $event) { event { title } } }";

async fn ask(http: &Client, base: &str) -> StatusCode {
    let request = http.post(format!("{base}/graphql"));
    request.json(&json!({ "query": "{ events(first: 1) { totalCount } }" })).send().await.unwrap().status()
}

/// How a WebSocket that a page of `origin` opens is answered.
async fn upgrade(base: &str, origin: &str) -> String {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /graphql HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.unwrap();
    line
}

async fn asked(gateway: &Pulsegate) -> i64 {
    gateway.metric("pulsegate_http_requests_total", "route=\"/graphql\"").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_behind_a_proxy_are_one() {
    if nginx::find().is_none() {
        return report::not_for_real("operations::proxy", "no nginx here");
    }
    let testbed = Testbed::new().await.unwrap();
    let event = crate::gateway::fill(&testbed, 1).await.remove(0);
    let first = testbed.start(Role::Serve).await.unwrap();
    let mut second = testbed.start(Role::Serve).await.unwrap();
    let address = |gateway: &Pulsegate| gateway.base().trim_start_matches("http://").to_owned();
    let (one, other) = (address(&first), address(&second));
    let configuration = program::repository().join("deploy/proxy/nginx.conf");
    let replaced = [("gateway-1:8080", one.as_str()), ("gateway-2:8080", other.as_str())];
    let proxy = Nginx::start(&configuration, &replaced).await.unwrap();
    let (http, base) = (Client::new(), proxy.base());

    for _ in 0..20 {
        assert_eq!(ask(&http, base).await, StatusCode::OK);
    }
    assert!(asked(&first).await > 0 && asked(&second).await > 0);
    assert!(upgrade(base, base).await.starts_with("HTTP/1.1 101 "), "the host is passed on");
    assert!(upgrade(base, "https://elsewhere.example").await.starts_with("HTTP/1.1 403 "));
    for (path, status) in [
        ("/healthz", StatusCode::OK),
        ("/metrics", StatusCode::NOT_FOUND),
        ("/readyz", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(http.get(format!("{base}{path}")).send().await.unwrap().status(), status, "{path}");
    }

    // What streams is passed on as it comes.
    let variables = json!({ "event": event });
    let mut socket = Socket::connect(base).await.unwrap();
    socket.subscribe("1", FOLLOW, variables.clone()).await.unwrap();
    let frame = timeout(SOON, socket.next()).await.unwrap().unwrap();
    let Frame::Next { payload, .. } = frame else { panic!("{frame:?}") };
    let title = |payload: &Value| payload["data"]["eventUpdated"]["event"]["title"].clone();
    assert!(title(&payload).is_string(), "{payload}");
    let mut events = Events::open(base, FOLLOW, &variables, None).await.unwrap();
    let payload = timeout(SOON, events.next()).await.unwrap().unwrap().unwrap();
    assert!(title(&payload).is_string(), "{payload}");

    // Whoever asks does not notice that one of them dies, nor do those who come again.
    second.kill().unwrap();
    for _ in 0..20 {
        assert_eq!(ask(&http, base).await, StatusCode::OK, "{}", proxy.log().unwrap());
    }
    let mut socket = Socket::connect(base).await.unwrap();
    socket.subscribe("1", FOLLOW, variables).await.unwrap();
    assert!(matches!(timeout(SOON, socket.next()).await.unwrap().unwrap(), Frame::Next { .. }));
}
