use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use jsonwebtoken::jwk::Jwk;
use tokio_util::sync::CancellationToken;

use super::*;

/// An issuer that can be told what to say.
#[derive(Default)]
struct Issuer {
    says: Mutex<Option<String>>,
    asked: AtomicUsize,
}

struct Line(Arc<Issuer>);

#[async_trait]
impl KeySource for Line {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let says = self.0.says.lock().unwrap().clone();
        says.map(String::into_bytes).ok_or_else(|| "it is away".to_owned())
    }
}

impl Issuer {
    fn publish(&self, keys: &[Value]) {
        *self.says.lock().unwrap() = Some(json!({ "keys": keys }).to_string());
    }

    fn leave(&self) {
        *self.says.lock().unwrap() = None;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn set(issuer: &Arc<Issuer>) -> (Arc<KeySet>, Authenticator) {
    let keys = KeySet::new(Box::new(Line(Arc::clone(issuer))));
    (Arc::clone(&keys), authenticator(JwtKey::set(keys)))
}

fn entry(pem: &[u8], algorithm: Algorithm, more: &Value) -> Value {
    let key = match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(pem),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem),
        _ => EncodingKey::from_rsa_pem(pem),
    };
    let mut entry = serde_json::to_value(Jwk::from_encoding_key(&key.unwrap(), algorithm).unwrap()).unwrap();
    let fields = entry.as_object_mut().unwrap();
    fields.remove("alg");
    fields.extend(more.as_object().unwrap().clone());
    entry
}

fn rsa_entry(kid: &str) -> Value {
    entry(RSA, Algorithm::RS256, &json!({"kid": kid, "use": "sig", "alg": "RS256"}))
}

async fn ask(authenticator: &Authenticator, token: &str) -> Result<Identity, Fault> {
    let authorization = format!("Bearer {token}");
    authenticator.look_for_key(Some(&authorization)).await;
    authenticator.identify(Some(&authorization))
}

fn signed(kid: &str) -> String {
    good(&json!({"alg": "RS256", "kid": kid}), &claims())
}

#[tokio::test]
async fn a_key_that_is_new_is_found_at_once() {
    let issuer = Arc::new(Issuer::default());
    let (_, authenticator) = set(&issuer);
    issuer.publish(&[rsa_entry("key-1")]);
    assert!(ask(&authenticator, &signed("key-1")).await.is_ok());
    issuer.publish(&[rsa_entry("key-2"), entry(EC, Algorithm::ES256, &json!({"kid": "key-3"}))]);
    assert!(ask(&authenticator, &signed("key-2")).await.is_ok());
    assert!(ask(&authenticator, &signed("key-1")).await.is_err(), "it was taken back");
    assert_eq!(issuer.asked(), 3);
}

#[tokio::test]
async fn keys_outlive_an_outage_of_their_issuer() {
    let issuer = Arc::new(Issuer::default());
    let (keys, authenticator) = set(&issuer);
    let fault = ask(&authenticator, &signed("key-1")).await.unwrap_err();
    assert_eq!(fault.code, ErrorCode::Unavailable, "nobody knows whether the token is good");
    assert_eq!(keys.missing().unwrap(), "the issuer's keys can't be read: it is away");
    issuer.publish(&[rsa_entry("key-1")]);
    assert!(ask(&authenticator, &signed("key-1")).await.is_ok());
    issuer.leave();
    assert!(ask(&authenticator, &signed("key-2")).await.is_err());
    assert!(ask(&authenticator, &signed("key-1")).await.is_ok());
    *issuer.says.lock().unwrap() = Some("<html>".to_owned());
    assert!(ask(&authenticator, &signed("key-2")).await.is_err());
    assert!(ask(&authenticator, &signed("key-1")).await.is_ok());
    assert_eq!(keys.missing(), None);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_the_issuer_little() {
    let issuer = Arc::new(Issuer::default());
    issuer.publish(&[rsa_entry("key-1")]);
    let (_, authenticator) = set(&issuer);
    let junk =
        |number: usize| format!("{}.e30.e30", encode(format!(r#"{{"alg":"RS256","kid":"{number}"}}"#)));
    let asks = (0..200).map(|number| {
        let (authenticator, token) = (authenticator.clone(), junk(number));
        async move { ask(&authenticator, &token).await }
    });
    for outcome in futures_util::future::join_all(asks).await {
        assert_eq!(outcome.unwrap_err().code, ErrorCode::Unauthenticated);
    }
    for number in 0..50 {
        assert!(ask(&authenticator, &junk(1_000 + number)).await.is_err());
    }
    assert!(issuer.asked() <= 5, "{}", issuer.asked());
    assert!(ask(&authenticator, &signed("key-1")).await.is_ok());
}

#[tokio::test]
async fn the_keys_are_read_at_the_beginning() {
    let issuer = Arc::new(Issuer::default());
    issuer.publish(&[rsa_entry("key-1")]);
    let (keys, authenticator) = set(&issuer);
    let stop = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&keys).keep_current(stop.clone()));
    while keys.missing().is_some() {
        tokio::task::yield_now().await;
    }
    assert!(authenticator.identify(Some(&format!("Bearer {}", signed("key-1")))).is_ok());
    stop.cancel();
    task.await.unwrap();
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_key_is_for_one_algorithm_and_for_signatures() {
    let good = |kid: &str| rsa_entry(kid);
    let odd = [
        ("encryption", entry(RSA, Algorithm::RS256, &json!({"kid": "encryption", "use": "enc"}))),
        ("operations", entry(RSA, Algorithm::RS256, &json!({"kid": "operations", "key_ops": ["encrypt"]}))),
        ("secret", json!({"kty": "oct", "kid": "secret", "alg": "HS256", "k": encode(SECRET)})),
        ("mixed", entry(RSA, Algorithm::RS256, &json!({"kid": "mixed", "alg": "HS256"}))),
        ("crossed", entry(EC, Algorithm::ES256, &json!({"kid": "crossed", "alg": "RS256"}))),
        ("private", entry(RSA, Algorithm::RS256, &json!({"kid": "private", "d": "AQAB"}))),
        ("short", json!({"kty": "RSA", "kid": "short", "n": encode([255; 128]), "e": "AQAB"})),
        ("unknown", json!({"kty": "PQC", "kid": "unknown"})),
        ("broken", json!("broken")),
        ("RS384", entry(RSA, Algorithm::RS256, &json!({"kid": "RS384", "alg": "RS384"}))),
    ];
    let issuer = Arc::new(Issuer::default());
    let entries: Vec<Value> = odd.iter().map(|(_, entry)| entry.clone()).chain([good("key-1")]).collect();
    issuer.publish(&entries);
    let (_, authenticator) = set(&issuer);
    assert!(ask(&authenticator, &signed("key-1")).await.is_ok());
    for (kid, _) in odd {
        assert!(ask(&authenticator, &signed(kid)).await.is_err(), "{kid}");
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        let secret =
            sign(Algorithm::HS256, &EncodingKey::from_secret(SECRET), &header, &claims().to_string());
        assert!(ask(&authenticator, &secret).await.is_err(), "{kid}");
    }
    let header = json!({"alg": "RS384", "kid": "RS384"}).to_string();
    let token = sign(Algorithm::RS384, &rsa(), &header, &claims().to_string());
    assert!(ask(&authenticator, &token).await.is_ok());
}

#[tokio::test]
async fn a_token_without_a_name_of_a_key_is_for_the_only_one() {
    let issuer = Arc::new(Issuer::default());
    let (_, authenticator) = set(&issuer);
    let token = good(&json!({"alg": "RS256"}), &claims());
    issuer.publish(&[rsa_entry("key-1")]);
    assert!(ask(&authenticator, &token).await.is_ok());
    issuer.publish(&[rsa_entry("key-2"), entry(ED, Algorithm::EdDSA, &json!({"kid": "key-3"}))]);
    assert!(ask(&authenticator, &signed("key-2")).await.is_ok());
    assert_eq!(
        ask(&authenticator, &token).await.unwrap_err().message,
        "The token must name its key (`kid`)."
    );
}
