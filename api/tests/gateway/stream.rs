use std::time::Duration;

use api::Settings;
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use tokio::time::timeout;

use crate::{
    auth,
    client::{Reply, router, send},
};

async fn stream(accept: &str, query: &str) -> Reply {
    let request = Request::post("/graphql/stream")
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(serde_json::json!({"query": query}).to_string()))
        .unwrap();
    send(&router(Settings::default()), request).await
}

#[tokio::test]
async fn an_operation_is_answered_and_completed() {
    let reply = stream("text/event-stream", "{ __typename }").await;
    assert_eq!((reply.status, reply.header(header::CONTENT_TYPE)), (StatusCode::OK, "text/event-stream"));
    assert_eq!(
        reply.text,
        "event: next\ndata: {\"data\":{\"__typename\":\"Query\"}}\n\nevent: complete\ndata: null\n\n"
    );
}

#[tokio::test]
async fn a_refusal_is_an_answer_too() {
    let reply = stream("text/event-stream", "{ nothing }").await;
    assert!(
        reply.text.starts_with("event: next\ndata: {\"errors\":[{\"message\":\"Unknown field"),
        "{}",
        reply.text
    );
    assert!(reply.text.ends_with("event: complete\ndata: null\n\n"));
    assert!(stream("text/event-stream", &"{".repeat(99)).await.text.contains("QUERY_TOO_COMPLEX"));
    let forbidden =
        stream("text/event-stream", "subscription { eventUpdated(eventId: \"\") { cursor } }").await;
    assert!(
        forbidden.text.contains("\"data\":null") && forbidden.text.contains("BAD_USER_INPUT"),
        "{}",
        forbidden.text
    );
}

#[tokio::test]
async fn other_media_types_are_refused() {
    assert_eq!(stream("application/json", "{ __typename }").await.status, StatusCode::NOT_ACCEPTABLE);
    let get = Request::get("/graphql/stream?query=mutation%7B__typename%7D").body(Body::empty()).unwrap();
    assert_eq!(send(&router(Settings::default()), get).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_token_that_ends_ends_the_stream() {
    let request = Request::post("/graphql/stream")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", auth::token_for("user-01", 2)))
        .body(Body::from(
            serde_json::json!({"query": "subscription { eventUpdated(eventId: \"e\") { cursor } }"})
                .to_string(),
        ))
        .unwrap();
    let reply =
        timeout(Duration::from_secs(3), send(&router(auth::settings()), request)).await.expect("it ends");
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
}
