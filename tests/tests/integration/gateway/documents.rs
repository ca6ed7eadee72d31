use reqwest::{Client, Response};
use serde_json::{Value, json};
use tests::testbed::{Pulsegate, Role, Testbed};

/// Of `{__typename}`.
const HASH: &str = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";

async fn ask(gateway: &Pulsegate, mut body: Value) -> Value {
    body["extensions"] = json!({ "persistedQuery": { "version": 1, "sha256Hash": HASH } });
    let url = format!("{}/graphql", gateway.base());
    let answer: Response = Client::new().post(url).json(&body).send().await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_gateway_was_told_the_others_know() {
    let testbed = Testbed::new().await.unwrap();
    let (told, other) =
        (testbed.start(Role::Serve).await.unwrap(), testbed.start(Role::Serve).await.unwrap());
    // Tests share a Redis, and another run may have told it.
    let known = json!({ "data": { "__typename": "Query" } });
    assert_eq!(ask(&told, json!({ "query": "{__typename}" })).await, known);
    assert_eq!(ask(&other, json!({})).await, known);
}
