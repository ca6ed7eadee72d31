use std::fmt::Write;

use api::{Settings, TrustedDocuments};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::client::{JSON, RESPONSE_JSON, Reply, get_from, post_to, router, send};

const TEXT: &str = "{__typename}";
const HASH: &str = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
const TYPENAME: &str = r#"{"data":{"__typename":"Query"}}"#;

fn persisted(hash: &str) -> Value {
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash}})
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

fn by_get(hash: &str, text: Option<&str>) -> String {
    let query = text.map(|text| format!("&query={}", encoded(text))).unwrap_or_default();
    format!("/graphql?extensions={}{query}", encoded(&persisted(hash).to_string()))
}

fn trusting(manifest: &Value) -> TrustedDocuments {
    TrustedDocuments::parse(&manifest.to_string()).unwrap()
}

fn with_trusted(trusted: TrustedDocuments) -> Router {
    router(Settings { trusted_documents: Some(trusted), ..Settings::default() })
}

#[tokio::test]
async fn a_text_is_sent_once_and_its_hash_from_then_on() {
    let router = router(Settings::default());
    let hash_alone = json!({"extensions": persisted(HASH)});
    for accept in [JSON, RESPONSE_JSON] {
        let unknown = post_to(&router, accept, &hash_alone).await;
        assert_eq!(unknown.code(), "PERSISTED_QUERY_NOT_FOUND");
        // Apollo Client and urql look for these letters.
        assert_eq!(unknown.json()["errors"][0]["message"], "PersistedQueryNotFound");
    }
    let unknown = get_from(&router, &by_get(HASH, None), JSON).await;
    assert_eq!(
        (unknown.code().as_str(), unknown.header(header::CACHE_CONTROL)),
        ("PERSISTED_QUERY_NOT_FOUND", "no-store")
    );
    let both = json!({"query": TEXT, "extensions": persisted(HASH)});
    assert_eq!(post_to(&router, JSON, &both).await.text, TYPENAME);
    assert_eq!(post_to(&router, JSON, &hash_alone).await.text, TYPENAME);
    assert_eq!(
        post_to(&router, JSON, &json!({"extensions": persisted(&HASH.to_uppercase())})).await.text,
        TYPENAME
    );
    assert_eq!(get_from(&router, &by_get(HASH, None), JSON).await.text, TYPENAME);
    let streamed = get_from(&router, &by_get(HASH, None).replace("/graphql", "/graphql/stream"), None).await;
    assert!(streamed.text.contains(TYPENAME), "{}", streamed.text);
    let batch = post_to(&router, JSON, &json!([hash_alone, both])).await;
    assert_eq!(batch.text, format!("[{TYPENAME},{TYPENAME}]"));
}

#[tokio::test]
async fn a_get_may_bring_the_text_along() {
    let router = router(Settings::default());
    assert_eq!(get_from(&router, &by_get(HASH, Some(TEXT)), JSON).await.text, TYPENAME);
    assert_eq!(get_from(&router, &by_get(HASH, None), JSON).await.text, TYPENAME);
    let mutation = "mutation{__typename}";
    let hash = "c3fd9e4bd4ccb9b4c3c8fd7b2e6c2f7a";
    assert_eq!(get_from(&router, &by_get(hash, Some(mutation)), JSON).await.code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_text_under_a_wrong_hash_is_not_kept() {
    let router = router(Settings::default());
    let wrong = json!({"query": "{ metrics { name } }", "extensions": persisted(HASH)});
    let refused = post_to(&router, JSON, &wrong).await;
    assert_eq!(refused.code(), "BAD_USER_INPUT");
    assert!(refused.text.contains("sha256Hash"), "{}", refused.text);
    let unknown = post_to(&router, JSON, &json!({"extensions": persisted(HASH)})).await;
    assert_eq!(unknown.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn trusted_documents_are_asked_for_by_id() {
    let router = with_trusted(trusting(&json!({"types": TEXT, "sha256:1f": "query A { a: __typename }"})));
    for body in [
        json!({"id": "types"}),
        json!({"documentId": "types"}),
        json!({"extensions": persisted("types")}),
        json!({"query": TEXT, "extensions": persisted("types")}),
        json!({"query": TEXT}),
    ] {
        assert_eq!(post_to(&router, JSON, &body).await.text, TYPENAME, "{body}");
    }
    let reply = get_from(&router, "/graphql?documentId=sha256:1f&operationName=A", JSON).await;
    assert_eq!(reply.text, r#"{"data":{"a":"Query"}}"#);
    let unknown = post_to(&router, JSON, &json!({"documentId": "other"})).await;
    assert_eq!(unknown.code(), "PERSISTED_QUERY_NOT_FOUND");
    assert!(unknown.text.contains("\\\"other\\\""), "{}", unknown.text);
    // Others pass too.
    assert_eq!(
        post_to(&router, JSON, &json!({"query": "{ b: __typename }"})).await.text,
        r#"{"data":{"b":"Query"}}"#
    );
}

#[tokio::test]
async fn where_only_trusted_documents_pass_nothing_else_does() {
    let router = with_trusted(trusting(&json!({"types": TEXT})).exclusive());
    assert_eq!(post_to(&router, JSON, &json!({"documentId": "types"})).await.text, TYPENAME);
    assert_eq!(post_to(&router, JSON, &json!({"query": TEXT})).await.text, TYPENAME);
    assert_eq!(
        post_to(&router, JSON, &json!({"query": TEXT, "extensions": persisted(HASH)})).await.text,
        TYPENAME
    );
    for text in ["{ __typename }", "{ __schema { queryType { name } } }", "{".repeat(1_000).as_str()] {
        let refused = post_to(&router, RESPONSE_JSON, &json!({"query": text})).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (StatusCode::BAD_REQUEST, "FORBIDDEN"),
            "{text}"
        );
    }
    let (text, hash) = ("{ __typename }", "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b");
    let sent = json!({"query": text, "extensions": persisted(hash)});
    assert_eq!(post_to(&router, JSON, &sent).await.code(), "FORBIDDEN");
    assert_eq!(
        post_to(&router, JSON, &json!({"extensions": persisted(hash)})).await.code(),
        "PERSISTED_QUERY_NOT_FOUND"
    );
}

async fn conditional(router: &Router, path: &str, known: &str) -> Reply {
    let request = Request::get(path).header(header::IF_NONE_MATCH, known);
    send(router, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let router = router(Settings::default());
    let path = "/graphql?query=%7Bmetrics%7Bname%7D%7D";
    let first = get_from(&router, path, JSON).await;
    let tag = first.header(header::ETAG).to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(first.header(header::CACHE_CONTROL), "private, no-cache");
    assert!(
        first.header(header::VARY).contains("authorization") && first.header(header::VARY).contains("accept")
    );

    let again = conditional(&router, path, &tag).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.header(header::ETAG), tag);
    assert_eq!(conditional(&router, path, "W/\"other\"").await.status, StatusCode::OK);
    let other = conditional(&router, "/graphql?query=%7Bmetrics%7Bunit%7D%7D", &tag).await;
    assert_eq!(other.status, StatusCode::OK);
    assert_ne!(other.header(header::ETAG), tag);

    // Answers with errors, and those to a POST, are nobody's to keep.
    let failed = get_from(&router, "/graphql?query=%7Bevents%7BtotalCount%7D%7D", JSON).await;
    assert_eq!((failed.status, failed.header(header::ETAG)), (StatusCode::OK, ""));
    assert_eq!(failed.header(header::CACHE_CONTROL), "no-store");
    let posted = post_to(&router, JSON, &json!({"query": "{ metrics { name } }"})).await;
    assert_eq!((posted.header(header::ETAG), posted.header(header::CACHE_CONTROL)), ("", "no-store"));
}
