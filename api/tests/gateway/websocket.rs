use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use api::{Limits, Settings};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use tokio_util::sync::CancellationToken;

use crate::{
    auth,
    client::{Parts, router_with},
};

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// A gateway on a port of its own.
async fn serve(settings: Settings) -> (String, CancellationToken) {
    let stop = CancellationToken::new();
    let router = router_with(settings, Parts(BTreeMap::new()), stop.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("ws://{address}/graphql"), stop)
}

impl Client {
    async fn connect(url: &str, protocol: Option<&str>) -> Self {
        let mut request = url.into_client_request().unwrap();
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        Self(connect_async(request).await.unwrap().0)
    }

    /// A connection to a gateway of its own.
    async fn to(settings: Settings) -> Self {
        Self::connect(&serve(settings).await.0, Some("graphql-transport-ws")).await
    }

    async fn initialised() -> Self {
        let mut client = Self::to(Settings::default()).await;
        client.send(json!({"type": "connection_init"})).await;
        assert_eq!(client.receive().await, json!({"type": "connection_ack"}));
        client
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn frame(&mut self) -> Message {
        timeout(Duration::from_secs(10), self.0.next()).await.expect("a frame in time").unwrap().unwrap()
    }

    async fn receive(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// The code of the close frame, which must come next.
    async fn closed(&mut self) -> u16 {
        match self.frame().await {
            Message::Close(Some(frame)) => frame.code.into(),
            other => panic!("{other:?}"),
        }
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({"type": "subscribe", "id": id, "payload": {"query": query}})).await;
    }
}

/// Never answers: its database is not there, and it waits until it is.
const QUIET: &str = "subscription { eventUpdated(eventId: \"e\") { cursor } }";

#[tokio::test]
async fn queries_are_answered_over_the_socket() {
    let mut client = Client::initialised().await;
    client.subscribe("1", "{ __typename }").await;
    assert_eq!(
        client.receive().await,
        json!({"type": "next", "id": "1", "payload": {"data": {"__typename": "Query"}}})
    );
    assert_eq!(client.receive().await, json!({"type": "complete", "id": "1"}));
    // The id is free again.
    client.subscribe("1", "{ a: __typename }").await;
    assert_eq!(client.receive().await["payload"]["data"]["a"], "Query");
}

#[tokio::test]
async fn a_refused_operation_gets_an_error_and_the_socket_lives_on() {
    let mut client = Client::initialised().await;
    for (query, code) in [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        (&*"{a".repeat(99), "QUERY_TOO_COMPLEX"),
    ] {
        client.subscribe("1", query).await;
        let error = client.receive().await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("1")), "{error}");
        assert_eq!(error["payload"][0]["extensions"]["code"], code);
    }
    client.subscribe("1", "{ __typename }").await;
    assert_eq!(client.receive().await["type"], "next");
}

#[tokio::test]
async fn an_error_of_a_stream_comes_with_data_of_null() {
    let mut client = Client::initialised().await;
    client.subscribe("1", "subscription { eventUpdated(eventId: \"\") { cursor } }").await;
    let next = client.receive().await;
    assert_eq!((&next["type"], &next["payload"]["data"]), (&json!("next"), &Value::Null), "{next}");
    assert_eq!(next["payload"]["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(client.receive().await["type"], "complete");
}

#[tokio::test]
async fn pings_are_answered() {
    let mut client = Client::initialised().await;
    client.send(json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(client.receive().await, json!({"type": "pong", "payload": {"a": 1}}));
    client.send(json!({"type": "pong"})).await;
    client.send(json!({"type": "ping"})).await;
    assert_eq!(client.receive().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn nothing_comes_after_complete() {
    let mut client = Client::initialised().await;
    client.subscribe("1", QUIET).await;
    client.send(json!({"type": "complete", "id": "1"})).await;
    client.send(json!({"type": "complete", "id": "unknown"})).await;
    client.send(json!({"type": "ping"})).await;
    assert_eq!(client.receive().await["type"], "pong");
    client.subscribe("1", QUIET).await;
    client.send(json!({"type": "ping"})).await;
    assert_eq!(client.receive().await["type"], "pong");
}

#[tokio::test]
async fn mistakes_close_the_socket_with_their_code() {
    let mut client = Client::to(Settings::default()).await;
    client.subscribe("1", "{ __typename }").await;
    assert_eq!(client.closed().await, 4401);

    let mut client = Client::initialised().await;
    client.send(json!({"type": "connection_init"})).await;
    assert_eq!(client.closed().await, 4429);

    let mut client = Client::initialised().await;
    client.subscribe("1", QUIET).await;
    client.subscribe("1", QUIET).await;
    assert_eq!(client.closed().await, 4409);

    for bad in [
        "{",
        "[]",
        r#"{"type":"start","id":"1"}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
    ] {
        let mut client = Client::initialised().await;
        client.0.send(Message::text(bad)).await.unwrap();
        assert_eq!(client.closed().await, 4400, "{bad}");
    }

    let mut client = Client::initialised().await;
    client.0.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn another_subprotocol_is_not_spoken() {
    let (url, _) = serve(Settings::default()).await;
    let mut client = Client::connect(&url, None).await;
    assert_eq!(client.closed().await, 4406);
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let settings = Settings { ws_init_timeout: Duration::from_millis(50), ..Settings::default() };
    assert_eq!(Client::to(settings).await.closed().await, 4408);
}

#[tokio::test]
async fn a_frame_has_a_limit() {
    let settings = Settings { limits: Limits { bytes: 500, ..Limits::default() }, ..Settings::default() };
    let mut client = Client::to(settings).await;
    client.send(json!({"type": "connection_init", "payload": {"x": "x".repeat(1000)}})).await;
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn operations_have_a_limit() {
    let mut client = Client::initialised().await;
    for id in 0..101 {
        client.subscribe(&id.to_string(), QUIET).await;
    }
    let error = client.receive().await;
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("100")));
    assert_eq!(error["payload"][0]["extensions"]["code"], "RATE_LIMITED");
}

#[tokio::test]
async fn a_restart_says_so() {
    let (url, stop) = serve(Settings::default()).await;
    let mut client = Client::connect(&url, Some("graphql-transport-ws")).await;
    client.send(json!({"type": "connection_init"})).await;
    client.receive().await;
    client.subscribe("1", QUIET).await;
    stop.cancel();
    assert_eq!(client.closed().await, 1012);
}

#[tokio::test]
async fn tokens_come_with_the_first_message() {
    for payload in [json!({"authorization": "Bearer x"}), json!({}), Value::Null] {
        let mut client = Client::to(auth::settings()).await;
        client.send(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(client.closed().await, 4403);
    }
    for name in ["authorization", "Authorization"] {
        let mut client = Client::to(auth::settings()).await;
        let bearer = format!("Bearer {}", auth::token("user-01"));
        client.send(json!({"type": "connection_init", "payload": {name: bearer}})).await;
        assert_eq!(client.receive().await["type"], "connection_ack");
        client.subscribe("1", "subscription { userUpdated(userId: \"user-02\") { cursor } }").await;
        assert_eq!(client.receive().await["payload"]["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
}

/// A connection that bears a token.
async fn admitted(token: &str) -> Client {
    let mut client = Client::to(auth::settings()).await;
    let bearer = format!("Bearer {token}");
    client.send(json!({"type": "connection_init", "payload": {"authorization": bearer}})).await;
    assert_eq!(client.receive().await["type"], "connection_ack");
    client
}

#[tokio::test]
async fn a_token_that_ends_ends_the_connection() {
    let started = Instant::now();
    let mut client = admitted(&auth::token_for("user-01", 2)).await;
    client.subscribe("1", QUIET).await;
    assert_eq!(client.closed().await, 4403);
    assert!(started.elapsed() < Duration::from_secs(3), "within a second");
}

#[tokio::test]
async fn a_ping_brings_a_new_token_of_the_same_user() {
    let mut client = admitted(&auth::token_for("user-01", 2)).await;
    client.subscribe("1", QUIET).await;
    let bearer = format!("Bearer {}", auth::token("user-01"));
    client.send(json!({"type": "ping", "payload": {"authorization": bearer, "n": 1}})).await;
    assert_eq!(
        client.receive().await,
        json!({"type": "pong", "payload": {"n": 1}}),
        "tokens are not repeated"
    );
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    client.subscribe("2", "{ __typename }").await;
    assert_eq!(client.receive().await["id"], "2");
}

#[tokio::test]
async fn another_users_token_does_not_go_on_with_what_runs() {
    let admin = auth::signed(&json!({"sub": "user-01", "exp": 4_102_444_800_u64, "role": "admin"}));
    for token in [auth::token("user-02"), admin, "x.y.z".to_owned()] {
        let mut client = admitted(&auth::token("user-01")).await;
        let bearer = format!("Bearer {token}");
        client.send(json!({"type": "ping", "payload": {"authorization": bearer}})).await;
        assert_eq!(client.closed().await, 4403);
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off() {
    let settings = Settings { ws_send_timeout: Duration::from_millis(300), ..Settings::default() };
    let mut client = Client::to(settings).await;
    client.send(json!({"type": "connection_init"})).await;
    // Pongs as large as frames may be, which nobody takes.
    let ping = json!({"type": "ping", "payload": {"x": "x".repeat(60_000)}}).to_string();
    let flood = async {
        for _ in 0..10_000 {
            if client.0.send(Message::text(ping.clone())).await.is_err() {
                return;
            }
        }
        panic!("600 MB were taken in and not given back");
    };
    timeout(Duration::from_secs(10), flood).await.expect("the connection ends");
}

#[tokio::test]
async fn pages_of_elsewhere_can_not_open_a_socket_where_there_are_no_tokens() {
    let (url, _) = serve(Settings::default()).await;
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    assert!(connect_async(request).await.is_err());
}

#[tokio::test]
async fn hostile_documents_do_not_end_a_socket() {
    let mut client = Client::initialised().await;
    let documents = [
        "[".repeat(20_000),
        "{a(b:".repeat(5_000),
        format!("{{ {} }}", "a:b ".repeat(3_000)),
        "{ ...F } fragment F on Query { ...F }".to_owned(),
        format!("query($a:{}Int{}) {{ a }}", "[".repeat(400), "]".repeat(400)),
        "\"\"\"".repeat(9_000),
    ];
    for (index, document) in documents.iter().enumerate() {
        let id = index.to_string();
        client.send(json!({"id": id, "type": "subscribe", "payload": {"query": document}})).await;
        let answer = client.receive().await;
        assert_eq!((&answer["type"], &answer["id"]), (&json!("error"), &json!(id)), "{answer}");
    }
    let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let mut ask = async |id: &str, payload: Value| {
        client.send(json!({"id": id, "type": "subscribe", "payload": payload})).await;
        let answer = client.receive().await;
        if answer["type"] == "next" {
            assert_eq!(client.receive().await["type"], "complete");
        }
        answer["payload"].clone()
    };
    let unknown = ask("unknown", json!({"extensions": extensions})).await;
    assert_eq!(unknown[0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
    let known = json!({"data": {"__typename": "Query"}});
    assert_eq!(ask("told", json!({"query": "{__typename}", "extensions": extensions})).await, known);
    assert_eq!(ask("known", json!({"extensions": extensions})).await, known);
}
