use api::{Limits, Settings};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;

use crate::client::{JSON, RESPONSE_JSON, get, post, post_to, router, send};

#[tokio::test]
async fn both_media_types_answer() {
    let query = json!({"query": "{ __typename }"});
    for (accept, content_type) in [
        (RESPONSE_JSON, "application/graphql-response+json; charset=utf-8"),
        (JSON, "application/json; charset=utf-8"),
        (None, "application/json; charset=utf-8"),
        (Some("*/*"), "application/json; charset=utf-8"),
    ] {
        let reply = post(accept, &query).await;
        assert_eq!(
            (reply.status, reply.text.as_str()),
            (StatusCode::OK, r#"{"data":{"__typename":"Query"}}"#)
        );
        assert_eq!(reply.header(header::CONTENT_TYPE), content_type);
        assert_eq!(reply.header(header::CACHE_CONTROL), "no-store");
    }
    let reply = post(Some("text/html"), &query).await;
    assert_eq!(reply.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn the_status_says_whether_it_was_executed() {
    for (body, code) in [
        (json!({"query": "{"}), "GRAPHQL_PARSE_FAILED"),
        (json!({"query": "{ nothing }"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "query($id: ID!) { event(eventId: $id) { id } }"}), "BAD_USER_INPUT"),
        (
            json!({"query": "query($id: ID!) { event(eventId: $id) { id } }", "variables": {"id": true}}),
            "BAD_USER_INPUT",
        ),
        (json!({"query": "{ metrics { name } }", "operationName": "A"}), "BAD_USER_INPUT"),
        (json!({"query": "{".repeat(100)}), "QUERY_TOO_COMPLEX"),
        (json!({"query": "subscription { eventUpdated(eventId: \"e\") { cursor } }"}), "BAD_USER_INPUT"),
    ] {
        let reply = post(RESPONSE_JSON, &body).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (StatusCode::BAD_REQUEST, code),
            "{body}: {}",
            reply.text
        );
        assert_eq!(reply.json().get("data"), None, "{}", reply.text);
        let reply = post(JSON, &body).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::OK, code), "{body}");
    }
}

#[tokio::test]
async fn what_is_no_request_is_told_so() {
    for body in [
        json!({"query": 1}),
        json!({}),
        json!("{ a }"),
        json!({"query": "{ __typename }", "variables": []}),
        json!({"query": "{ __typename }", "operationName": {}}),
        json!({"query": "{ __typename }", "extensions": 1}),
    ] {
        for accept in [RESPONSE_JSON, JSON] {
            let reply = post(accept, &body).await;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn only_json_comes_in() {
    let router = router(Settings::default());
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=latin1"),
    ] {
        let mut request = Request::post("/graphql");
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let body = Body::from(r#"{"query":"{ __typename }"}"#);
        let reply = send(&router, request.body(body).unwrap()).await;
        assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type:?}");
    }
}

#[tokio::test]
async fn get_reads_and_never_writes() {
    let reply =
        get("/graphql?query=query%20A%7B__typename%7D%20query%20B%7Bb:__typename%7D&operationName=B", JSON)
            .await;
    assert_eq!(reply.text, r#"{"data":{"b":"Query"}}"#);
    let path = "/graphql?query=query(%24n:String!)%7B__type(name:%24n)%7Bname%7D%7D&variables=%7B%22n%22:%22Roi%22%7D&operationName=";
    assert_eq!(get(path, JSON).await.json()["data"]["__type"]["name"], "Roi");
    let reply = get("/graphql?query=mutation%7B__typename%7D", RESPONSE_JSON).await;
    assert_eq!((reply.status, reply.header(header::ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    for path in [
        "/graphql",
        "/graphql?query=%7B__typename%7D&variables=1",
        "/graphql?query=%7B__typename%7D&variables=%7B",
    ] {
        assert_eq!(get(path, JSON).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn batches_are_answered_in_order_up_to_a_limit() {
    let one = json!({"query": "{ __typename }"});
    let reply = post(JSON, &json!([one, {"query": "{"}, 7, {"query": "{ b: __typename }"}])).await;
    assert_eq!(reply.status, StatusCode::OK);
    let answers = reply.json();
    assert_eq!(answers[0]["data"]["__typename"], "Query");
    assert_eq!(answers[1]["errors"][0]["extensions"]["code"], "GRAPHQL_PARSE_FAILED");
    assert_eq!(answers[2]["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(answers[3]["data"]["b"], "Query");
    let too_many = post(JSON, &json!(vec![one; 11])).await;
    assert_eq!((too_many.status, too_many.code().as_str()), (StatusCode::BAD_REQUEST, "QUERY_TOO_COMPLEX"));
    assert_eq!(post(JSON, &json!([])).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_has_a_limit_whether_announced_or_not() {
    let settings = Settings { limits: Limits { bytes: 1000, ..Limits::default() }, ..Settings::default() };
    let router = router(settings);
    let long = json!({"query": format!("{{ __typename }} #{}", "x".repeat(1000))});
    assert_eq!(post_to(&router, JSON, &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let chunks = futures_util::stream::iter((0..10).map(|_| Ok::<_, std::io::Error>("x".repeat(500))));
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from_stream(chunks))
        .unwrap();
    assert_eq!(send(&router, request).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let path = format!("/graphql?query=%7B__typename%7D&x={}", "x".repeat(1000));
    let reply = send(&router, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn answers_are_compressed_where_that_is_worth_it() {
    for (encoding, path, expected) in
        [("gzip", "/schema.graphql", "gzip"), ("br", "/schema.graphql", "br"), ("gzip", "/healthz", "")]
    {
        let request =
            Request::get(path).header(header::ACCEPT_ENCODING, encoding).body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(router(Settings::default()), request).await.unwrap();
        let found =
            response.headers().get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap());
        assert_eq!(found, expected, "{path}");
    }
}

#[tokio::test]
async fn every_operation_tells_its_cost() {
    let query = json!({"query": "{ rateLimit { limit cost remaining resetAt } metrics { name } }"});
    let reply = post(JSON, &query).await;
    let (cost, told) = (reply.headers["x-cost"].to_str().unwrap(), &reply.json()["data"]["rateLimit"]);
    assert_eq!((told["cost"].to_string().as_str(), &told["limit"]), (cost, &json!(200_000)));
    assert_eq!(told["remaining"].as_i64().unwrap() + told["cost"].as_i64().unwrap(), 200_000);
    assert!(!reply.headers.contains_key("ratelimit"));
    let once = json!({"query": "{ metrics { name } }"});
    let once: usize = post(JSON, &once).await.headers["x-cost"].to_str().unwrap().parse().unwrap();
    let two = "query A { metrics { name } } query B { metrics { name unit formula } }";
    let batch = json!([{"query": two, "operationName": "A"}, {"query": "{ metrics { name } }"}]);
    assert_eq!(post(JSON, &batch).await.headers["x-cost"], (2 * once).to_string());
}

#[tokio::test]
async fn a_budget_is_kept() {
    let query = json!({"query": "{ metrics { name description formula unit nullWhen } }"});
    let cost: u32 = post(JSON, &query).await.headers["x-cost"].to_str().unwrap().parse().unwrap();
    let settings =
        Settings { cost_per_minute: std::num::NonZeroU32::new(cost * 3 / 2), ..Settings::default() };
    let router = router(settings);
    let first = post_to(&router, JSON, &query).await;
    assert_eq!(first.headers["ratelimit-policy"], format!("\"cost\";q={};w=60", cost * 3 / 2));
    let left = first.headers["ratelimit"].to_str().unwrap();
    assert!(left.ends_with(";t=40") || left.ends_with(";t=41"), "{left}");
    for accept in [JSON, RESPONSE_JSON] {
        let refused = post_to(&router, accept, &query).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
            "{}",
            refused.text
        );
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=21).contains(&wait), "{wait}");
    }
}
