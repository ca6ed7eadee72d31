//! What is taken for a token and what is not. The keys are made for these tests and used for nothing else.

mod forged;
mod published;
mod taken;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use service::clock::ManualClock;

use super::*;

const SECRET: &[u8] = b"a secret that only tests know, 32+";
const RSA: &[u8] = include_bytes!("rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("rsa.pub.pem");
/// Of somebody else.
const OTHER: &[u8] = include_bytes!("other.pem");
const EC: &[u8] = include_bytes!("ec.pem");
const EC_PUBLIC: &[u8] = include_bytes!("ec.pub.pem");
const ED: &[u8] = include_bytes!("ed.pem");
const ED_PUBLIC: &[u8] = include_bytes!("ed.pub.pem");
const NOW: i64 = 1_800_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

/// Checks tokens of the issuer `shop` for `pulsegate`.
fn authenticator(key: JwtKey) -> Authenticator {
    let settings =
        JwtSettings { key, issuer: Some("shop".to_owned()), audience: Some("pulsegate".to_owned()) };
    Authenticator::new(Auth::Jwt(settings), Arc::new(ManualClock::new(now())), Arc::default())
}

fn identify(authenticator: &Authenticator, token: &str) -> Result<Identity, Fault> {
    authenticator.identify(Some(&format!("Bearer {token}")))
}

fn claims() -> Value {
    json!({"sub": "user-01", "exp": NOW + 600, "iss": "shop", "aud": ["pulsegate", "other"]})
}

fn claims_with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs any two texts, whether they make sense or not.
fn sign(algorithm: Algorithm, key: &EncodingKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(RSA).unwrap()
}

/// As the issuer does it.
fn good(header: &Value, claims: &Value) -> String {
    sign(Algorithm::RS256, &rsa(), &header.to_string(), &claims.to_string())
}

fn header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"})
}
