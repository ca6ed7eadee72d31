//! From which pages, and how often, requests are taken.

use std::num::NonZeroU32;

use api::{Origins, Peer, Settings};
use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::json;

use crate::client::{Reply, router, send};

const SHOP: &str = "https://shop.example";

fn named() -> Router {
    router(Settings { origins: Origins::These(vec![SHOP.to_owned()]), ..Settings::default() })
}

async fn ask(router: &Router, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::builder().method(&method).uri(path).header(header::HOST, "127.0.0.1:8080");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body =
        if method == Method::POST { json!({"query": "{ __typename }"}).to_string() } else { String::new() };
    send(router, request.body(Body::from(body)).unwrap()).await
}

const QUERY: &str = "/graphql?query=%7B__typename%7D";

#[tokio::test]
async fn pages_of_other_origins_get_nothing_executed() {
    let router = router(Settings::default());
    for path in [QUERY, "/graphql/stream?query=%7B__typename%7D"] {
        for site in ["cross-site", "same-site"] {
            let reply = ask(&router, Method::GET, path, &[("sec-fetch-site", site)]).await;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (StatusCode::FORBIDDEN, "FORBIDDEN"),
                "{path} {site}"
            );
            let named = [("sec-fetch-site", site), ("origin", "https://evil.example")];
            assert_eq!(ask(&router, Method::GET, path, &named).await.status, StatusCode::FORBIDDEN);
        }
        for own in [&[][..], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")]] {
            assert_eq!(ask(&router, Method::GET, path, own).await.status, StatusCode::OK, "{path} {own:?}");
        }
    }
    // What a form can send is no request.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let reply = ask(&router, Method::POST, "/graphql", &[("content-type", kind)]).await;
        assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
}

#[tokio::test]
async fn without_configuration_no_page_is_let_in() {
    let router = router(Settings::default());
    let asked = [("origin", SHOP), ("access-control-request-method", "POST")];
    let reply = ask(&router, Method::OPTIONS, "/graphql", &asked).await;
    assert!(!reply.headers.contains_key("access-control-allow-origin"), "{:?}", reply.headers);
}

#[tokio::test]
async fn named_pages_may_ask() {
    let router = named();
    let asked = [
        ("origin", SHOP),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let reply = ask(&router, Method::OPTIONS, "/graphql", &asked).await;
    assert_eq!(reply.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), SHOP);
    assert!(reply.header(header::ACCESS_CONTROL_ALLOW_HEADERS).contains("authorization"));
    assert!(!reply.headers.contains_key("access-control-allow-credentials"));
    let by_page = [("origin", SHOP), ("sec-fetch-site", "cross-site"), ("content-type", "application/json")];
    let reply = ask(&router, Method::POST, "/graphql", &by_page).await;
    assert_eq!((reply.status, reply.header(header::ACCESS_CONTROL_ALLOW_ORIGIN)), (StatusCode::OK, SHOP));
    let other = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let reply = ask(&router, Method::OPTIONS, "/graphql", &other).await;
    assert!(!reply.headers.contains_key("access-control-allow-origin"), "{:?}", reply.headers);
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_again() {
    let router = router(Settings { requests_per_minute: NonZeroU32::new(2), ..Settings::default() });
    let ask = async |path: &str, address: &str| {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer(address.parse().unwrap()));
        send(&router, request).await
    };
    for _ in 0..2 {
        assert_eq!(ask(QUERY, "192.0.2.1").await.status, StatusCode::OK);
    }
    let refused = ask(QUERY, "192.0.2.1").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    assert!((1..=30).contains(&refused.header(header::RETRY_AFTER).parse::<u64>().unwrap()));
    assert_eq!(ask("/healthz", "192.0.2.1").await.status, StatusCode::OK);
    assert_eq!(ask(QUERY, "192.0.2.2").await.status, StatusCode::OK);
}
