use std::{collections::BTreeMap, sync::Arc};

use api::{Gateway, Readiness, Settings};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use tokio_util::sync::CancellationToken;

use crate::client::{Parts, get, router, router_with, send, service};

#[tokio::test]
async fn pages_load_nothing_from_elsewhere() {
    for path in ["/", "/events/evt-1", "/users/user-1"] {
        let reply = get(path, Some("text/html")).await;
        let policy = reply.header(header::CONTENT_SECURITY_POLICY);
        if reply.status == StatusCode::OK {
            assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        } else {
            // The web part was not built: the page says how to.
            assert!(reply.text.contains("npm run build"), "{}", reply.text);
        }
        assert_eq!(reply.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(reply.header(header::X_FRAME_OPTIONS), "DENY");
        assert!(reply.header(header::CONTENT_TYPE).starts_with("text/html"));
    }
    for path in ["/nothing", "/index.html", "/graphiql.html", "/../Cargo.toml", "/assets/../index.html"] {
        let reply = get(path, None).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert!(reply.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"));
    }
}

#[tokio::test]
async fn graphiql_can_be_switched_off() {
    let off = router(Settings { graphiql: false, ..Settings::default() });
    let reply = send(&off, Request::get("/graphiql").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (reply.status, reply.text.as_str()),
        (StatusCode::NOT_FOUND, "GraphiQL is switched off here (GRAPHIQL).\n")
    );
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let ready = |parts: &[(&'static str, Result<&str, &str>)]| {
        let owned = |part: &Result<&str, &str>| part.map(str::to_owned).map_err(str::to_owned);
        let parts: BTreeMap<_, _> = parts.iter().map(|(name, part)| (*name, owned(part))).collect();
        router_with(Settings::default(), Parts(parts), CancellationToken::new())
    };
    let request = || Request::get("/readyz").body(Body::empty()).unwrap();
    let good = send(&ready(&[("database", Ok("")), ("kafka", Ok("127.0.0.1:41234"))]), request()).await;
    assert_eq!(
        (good.status, good.text.as_str()),
        (StatusCode::OK, r#"{"ready":true,"database":"ok","kafka":"127.0.0.1:41234"}"#)
    );
    let bad = send(&ready(&[("database", Ok("")), ("migrations", Err("2 are pending"))]), request()).await;
    assert_eq!(bad.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(bad.text, r#"{"ready":false,"database":"ok","migrations":"2 are pending"}"#);
}

struct Broken;

#[async_trait::async_trait]
impl Readiness for Broken {
    async fn check(&self) -> BTreeMap<&'static str, Result<String, String>> {
        panic!("the password is 1234")
    }
}

#[tokio::test]
async fn a_panic_is_answered_without_its_reason() {
    let stop = CancellationToken::new();
    let router = api::router(Gateway::new(service(), Settings::default(), Arc::new(Broken), None, stop));
    let reply = send(&router, Request::get("/readyz").body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"));
    assert!(!reply.text.contains("1234"), "{}", reply.text);
}

#[tokio::test]
async fn the_process_tells_about_itself() {
    assert_eq!(get("/healthz", None).await.text, "ok\n");
    assert_eq!(get("/metrics", None).await.text, "pulsegate_up 1\n");
    assert_eq!(get("/schema.graphql", None).await.text, api::sdl());
}
