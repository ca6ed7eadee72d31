//! Who gets in, who sees what, and what is never told.

mod keys;
mod revocation;
mod secrets;
mod tenants;
mod tls;
mod walk;

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

const SECRET: &str = "a secret that only tests know, 32 bytes";

/// A token that outlives any test.
fn token(user: &str, role: Option<&str>) -> String {
    signed(&json!({ "sub": user, "exp": 4_102_444_800_u64, "role": role }))
}

fn signed(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}
