use api::Settings;
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};

use crate::{
    auth,
    client::{Reply, get, router, send},
};

async fn export(query: &str) -> Reply {
    get(&format!("/export/events/evt-1/timeline.csv?{query}"), None).await
}

#[tokio::test]
async fn what_is_wrong_is_told_in_plain_words() {
    for (query, part) in [
        ("granularity=YEAR", "Argument `granularity` is \"YEAR\"; MINUTE, HOUR"),
        ("timeZone=Seoul", "IANA"),
        ("last=P1D&last=P1D", "is given twice"),
        ("limit=1", "is unknown; granularity"),
        ("last=%ff", "ISO 8601"),
    ] {
        let reply = export(query).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(reply.header(header::CONTENT_TYPE), "text/plain; charset=utf-8");
        assert!(reply.text.contains(part) && reply.text.ends_with('\n'), "{query}: {}", reply.text);
    }
    let long = get(&format!("/export/events/{}/timeline.csv", "x".repeat(37)), None).await;
    assert!(long.status == StatusCode::BAD_REQUEST && long.text.contains("at most 36"), "{}", long.text);
}

#[tokio::test]
async fn a_database_that_is_away_is_no_empty_table() {
    let reply = export("granularity=DAY").await;
    assert!(
        matches!(reply.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT),
        "{}",
        reply.status
    );
    assert!(reply.text.contains("In the log: ") && !reply.text.contains("127.0.0.1"), "{}", reply.text);
}

#[tokio::test]
async fn it_costs_its_rows() {
    let settings = Settings { cost_per_minute: std::num::NonZeroU32::new(100), ..Settings::default() };
    let request = Request::get("/export/events/evt-1/timeline.csv?granularity=DAY&last=P30D");
    let reply = send(&router(settings), request.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reply.headers["x-cost"], "311");
}

#[tokio::test]
async fn a_token_is_needed_where_tokens_are() {
    let request = Request::get("/export/events/evt-1/timeline.csv").body(Body::empty()).unwrap();
    let reply = send(&router(auth::settings()), request).await;
    assert_eq!((reply.status, reply.header(header::WWW_AUTHENTICATE)), (StatusCode::UNAUTHORIZED, "Bearer"));
}
