use api::{Auth, JwtKey, JwtSettings, Settings};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use service::clock::{Clock, SystemClock};

use crate::client::{router, send};

const SECRET: &[u8] = b"a secret that only tests know, 32+";

pub(crate) fn settings() -> Settings {
    let key = JwtKey::secret(SECRET).unwrap();
    Settings { auth: Auth::Jwt(JwtSettings { key, issuer: None, audience: None }), ..Settings::default() }
}

/// Valid for longer than anybody will run this.
pub(crate) fn token(user: &str) -> String {
    signed(&json!({"sub": user, "exp": 4_102_444_800_u64}))
}

/// Valid for so many seconds at most, and for one less at least.
pub(crate) fn token_for(user: &str, seconds: i64) -> String {
    signed(&json!({"sub": user, "exp": SystemClock.now().timestamp() + seconds}))
}

pub(crate) fn signed(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

async fn ask(authorization: Option<&str>, query: &str) -> (StatusCode, String, Value) {
    let mut request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let request = request.body(Body::from(json!({"query": query}).to_string())).unwrap();
    let reply = send(&router(settings()), request).await;
    (reply.status, reply.header(header::WWW_AUTHENTICATE).to_owned(), reply.json())
}

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    for authorization in [None, Some("Bearer"), Some("Bearer x.y.z"), Some("Basic dTpw"), Some("Bearer ")] {
        let (status, scheme, answer) = ask(authorization, "{ __typename }").await;
        assert_eq!((status, scheme.as_str()), (StatusCode::UNAUTHORIZED, "Bearer"), "{authorization:?}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert_eq!(answer.get("data"), None);
    }
}

#[tokio::test]
async fn a_user_sees_nobody_else() {
    let bearer = format!("bearer {}", token("user-01"));
    let (status, _, answer) = ask(Some(&bearer), "{ __typename }").await;
    assert_eq!((status, &answer["data"]["__typename"]), (StatusCode::OK, &json!("Query")));
    let (_, _, answer) = ask(Some(&bearer), "{ user(userId: \"user-02\") { eventCount } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert_eq!(answer["data"]["user"], Value::Null);
}

#[test]
fn settings_hide_the_key() {
    let shown = format!("{:?}", settings());
    assert!(!shown.contains("secret") && shown.contains("HS256"), "{shown}");
}
