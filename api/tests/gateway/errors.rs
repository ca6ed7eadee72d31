use api::{Limits, Settings};
use serde_json::{Value, json};

use crate::client::{JSON, post, post_to, router};

async fn first_error(query: &str) -> Value {
    post(JSON, &json!({"query": query})).await.json()["errors"][0].clone()
}

#[tokio::test]
async fn bad_input_names_the_argument_and_what_is_allowed() {
    for (query, parts) in [
        ("{ event(eventId: \"\") { id } }", vec!["`eventId`", "is empty", "1 to 36"]),
        ("{ node(id: \"x\") { id } }", vec!["`id`", "no id of this API"]),
        ("{ events(first: 101) { nodes { id } } }", vec!["`first`", "101", "0 to 100"]),
        ("{ events(last: -1) { nodes { id } } }", vec!["`last`", "-1", "0 to 100"]),
        ("{ events(first: 1, last: 1) { nodes { id } } }", vec!["`first`", "`last`"]),
        ("{ channelRanking(top: 101) { rows { key } } }", vec!["`top`", "101", "0 to 100"]),
        ("{ events(filter: {userId: \"\"}) { nodes { id } } }", vec!["`filter.userId`", "is empty"]),
        (
            "{ events(filter: {minRoi: 1.5}) { nodes { id } } }",
            vec!["filter.minRoi", "Decimal", "exact decimal as a string"],
        ),
        (
            "{ events(filter: {createdFrom: \"today\"}) { nodes { id } } }",
            vec!["filter.createdFrom", "RFC 3339"],
        ),
        (
            "{ event(eventId: \"e\") { timeline(range: {last: \"1d\"}) { from } } }",
            vec!["range.last", "ISO 8601"],
        ),
        ("{ event(eventId: \"e\") { timeline(timeZone: \"Seoul\") { from } } }", vec!["timeZone", "IANA"]),
        ("{ events(first: 99999999999) { nodes { id } } }", vec!["Int", "2147483647"]),
        (
            "{ event(eventId: \"e\") { timeline(range: {last: \"PT0.0001S\"}) { from } } }",
            vec!["range.last", "in whole milliseconds"],
        ),
        (
            "{ event(eventId: \"e\") { timeline(range: {to: \"9999-12-31T23:59:59-01:00\"}) { from } } }",
            vec!["range.to", "of the years 0000 to 9999 in UTC"],
        ),
    ] {
        let answer = post(JSON, &json!({"query": query})).await.json();
        let errors = answer["errors"].as_array().unwrap();
        let [error] = &errors[..] else { panic!("one mistake, {}: {answer}", errors.len()) };
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{query}: {error}");
        for part in parts {
            assert!(error["message"].as_str().unwrap().contains(part), "{query}: {error}");
        }
    }
}

#[tokio::test]
async fn what_is_inside_stays_inside() {
    let reply = post(
        JSON,
        &json!({"query": "{ a: __typename event(eventId: \"e\") { title } events { totalCount } }"}),
    )
    .await;
    let answer = reply.json();
    // `events` may not be null, so neither may the data be more than that.
    assert_eq!(answer["data"], Value::Null);
    for error in answer["errors"].as_array().unwrap() {
        assert!(matches!(error["extensions"]["code"].as_str(), Some("UNAVAILABLE" | "TIMEOUT")), "{error}");
        assert!(error["extensions"]["errorId"].is_string());
    }
    for secret in ["127.0.0.1", "nobody", "secret", "postgres", "SELECT"] {
        assert!(!reply.text.contains(secret), "{}", reply.text);
    }
}

#[tokio::test]
async fn one_part_that_fails_does_not_take_the_others_along() {
    let query = "{ metrics { name } event(eventId: \"e\") { title } user(userId: \"u\") { eventCount } }";
    let answer = post(JSON, &json!({"query": query})).await.json();
    assert!(answer["data"]["metrics"].as_array().unwrap().len() > 10);
    assert_eq!((&answer["data"]["event"], &answer["data"]["user"]), (&Value::Null, &Value::Null));
    let mut paths: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|error| error["path"][0].clone()).collect();
    paths.sort_by_key(ToString::to_string);
    assert_eq!(paths, [json!("event"), json!("user")]);
}

#[tokio::test]
async fn an_operation_that_costs_too_much_is_refused_with_its_cost() {
    let error = first_error("{ events(first: 100) { nodes { timeline(granularity: MINUTE, range: {last: \"P7D\"}) { points { participants } } } } }").await;
    assert_eq!(error["extensions"]["code"], "QUERY_TOO_COMPLEX");
    assert!(error["message"].as_str().unwrap().contains(", and 200000 is the limit"), "{error}");
}

#[tokio::test]
async fn the_schema_can_be_kept_to_oneself() {
    let introspection = json!({"query": "{ __schema { queryType { name } } }"});
    assert_eq!(post(JSON, &introspection).await.json()["data"]["__schema"]["queryType"]["name"], "Query");
    let private = router(Settings { introspection: false, ..Settings::default() });
    let answer = post_to(&private, JSON, &introspection).await;
    assert!(!answer.text.contains("queryType\":{"), "{}", answer.text);
    let typo = post_to(&private, JSON, &json!({"query": "{ evnts { totalCount } }"})).await;
    assert!(!typo.text.contains("Did you mean"), "{}", typo.text);
}

#[tokio::test]
async fn graphiql_gets_its_introspection_within_the_limits() {
    let query = include_str!("introspection.graphql");
    let answer = post(JSON, &json!({"query": query, "operationName": "IntrospectionQuery"})).await.json();
    assert_eq!(answer.get("errors"), None);
    assert!(answer["data"]["__schema"]["types"].as_array().unwrap().len() > 30);
    let tight = router(Settings { limits: Limits { cost: 10, ..Limits::default() }, ..Settings::default() });
    let refused = post_to(&tight, JSON, &json!({"query": query})).await;
    assert_eq!(refused.code(), "QUERY_TOO_COMPLEX");
}
