use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;
use tokio::net::TcpListener;

const RSA: &[u8] = include_bytes!("../../../../api/src/auth/tests/rsa.pem");
const EC: &[u8] = include_bytes!("../../../../api/src/auth/tests/ec.pem");
const QUERY: &str = "{ __typename }";

/// An issuer of tokens that publishes its keys, or leads elsewhere, or is away.
#[derive(Clone, Default)]
struct Issuer {
    keys: Arc<Mutex<Option<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    fn publish(&self, keys: &[Value]) {
        *self.keys.lock().unwrap() = Some(json!({ "keys": keys }));
    }

    /// Answers at the address that is returned.
    async fn open(&self) -> String {
        let router = Router::new()
            .route("/keys", get(keys))
            .route("/moved", get(async || (StatusCode::FOUND, [(header::LOCATION, "/keys")])))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }
}

async fn keys(State(issuer): State<Issuer>) -> axum::response::Response {
    issuer.asked.fetch_add(1, Ordering::SeqCst);
    match issuer.keys.lock().unwrap().clone() {
        Some(keys) => axum::Json(keys).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn entry(pem: &[u8], algorithm: Algorithm, kid: &str) -> Value {
    let mut entry =
        serde_json::to_value(Jwk::from_encoding_key(&key(pem, algorithm), algorithm).unwrap()).unwrap();
    entry["kid"] = kid.into();
    entry
}

fn key(pem: &[u8], algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(pem).unwrap(),
        _ => EncodingKey::from_rsa_pem(pem).unwrap(),
    }
}

fn signed(pem: &[u8], algorithm: Algorithm, kid: &str) -> String {
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    encode(&header, &json!({ "sub": "user-01", "exp": 4_102_444_800_u64 }), &key(pem, algorithm)).unwrap()
}

async fn ask(gateway: &Pulsegate, token: &str) -> StatusCode {
    let request = reqwest::Client::new().post(format!("{}/graphql", gateway.base())).bearer_auth(token);
    request.json(&json!({ "query": QUERY })).send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuers_keys_are_followed_and_outlive_its_outage() {
    let testbed = Testbed::new().await.unwrap();
    let issuer = Issuer::default();
    issuer.publish(&[entry(RSA, Algorithm::RS256, "key-1")]);
    let address = format!("{}/keys", issuer.open().await);
    let variables = [("AUTH", "jwt"), ("JWT_JWKS_URL", address.as_str())];
    let gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let (first, second) = (signed(RSA, Algorithm::RS256, "key-1"), signed(EC, Algorithm::ES256, "key-2"));
    assert_eq!(ask(&gateway, &first).await, StatusCode::OK);
    assert_eq!(ask(&gateway, &second).await, StatusCode::UNAUTHORIZED);

    // The issuer goes on to another key: the first token that is signed with it is good.
    issuer.publish(&[entry(RSA, Algorithm::RS256, "key-1"), entry(EC, Algorithm::ES256, "key-2")]);
    assert_eq!(ask(&gateway, &second).await, StatusCode::OK);
    let _socket = tests::clients::socket::Socket::connect_as(gateway.base(), &second).await.unwrap();

    // It is away: whoever has a token goes on, and it is asked no more than a few times.
    *issuer.keys.lock().unwrap() = None;
    let before = issuer.asked.load(Ordering::SeqCst);
    for number in 0..30 {
        let unknown = signed(EC, Algorithm::ES256, &format!("unknown-{number}"));
        assert_eq!(ask(&gateway, &unknown).await, StatusCode::UNAUTHORIZED);
    }
    assert!(issuer.asked.load(Ordering::SeqCst) - before <= 8);
    assert_eq!(ask(&gateway, &first).await, StatusCode::OK);
    let ready = reqwest::get(format!("{}/readyz", gateway.base())).await.unwrap();
    assert_eq!(ready.json::<Value>().await.unwrap()["issuer"], "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_comes_late_or_leads_elsewhere_is_waited_for() {
    let testbed = Testbed::new().await.unwrap();
    let issuer = Issuer::default();
    let base = issuer.open().await;
    let token = signed(RSA, Algorithm::RS256, "key-1");
    let start = |path: &str| {
        let address = format!("{base}{path}");
        let variables = [("AUTH", "jwt"), ("JWT_JWKS_URL", address.as_str())];
        testbed.launch(Role::Serve, &variables).unwrap()
    };
    let (late, moved) = (start("/keys"), start("/moved"));
    for gateway in [&late, &moved] {
        let status = wait::until("an answer", Duration::from_secs(30), async || {
            Ok(reqwest::get(format!("{}/readyz", gateway.base())).await.map_err(Into::into))
        });
        assert_eq!(status.await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            ask(gateway, &token).await,
            StatusCode::SERVICE_UNAVAILABLE,
            "nobody knows whether it is good"
        );
    }
    issuer.publish(&[entry(RSA, Algorithm::RS256, "key-1")]);
    wait::until("the keys", Duration::from_secs(30), async || {
        let status = ask(&late, &token).await;
        Ok(if status == StatusCode::OK { Ok(()) } else { Err(anyhow::anyhow!("{status}")) })
    })
    .await
    .unwrap();
    assert_eq!(ask(&moved, &token).await, StatusCode::SERVICE_UNAVAILABLE, "redirects are not followed");
    assert!(moved.log().unwrap().contains("redirects are not followed"), "{}", moved.log().unwrap());
}
