use reqwest::Client;
use serde_json::json;
use tests::testbed::{Role, Testbed};

use super::{SECRET, token};

/// Stands in everything that must not be told.
const MARK: &str = "hunter2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_told_whatever_happens() {
    let testbed = Testbed::new().await.unwrap();
    // The server trusts whoever comes, with any password.
    let mut database = testbed.database_url().to_owned();
    let at = database.find("://").unwrap() + 3;
    let host = database[at..].find('@').map_or(at, |user| at + user);
    let user = database[at..host].split(':').next().unwrap_or_default().to_owned();
    let user = if user.is_empty() { "postgres" } else { &user };
    database.replace_range(at..host, &format!("{user}:{MARK}-database"));
    if !database[at..].contains('@') {
        database.insert(at + user.len() + 1 + MARK.len() + "-database".len(), '@');
    }
    let secret = format!("{SECRET} {MARK}-jwt");
    let headers = format!("authorization=Bearer%20{MARK}-collector");
    let variables = [
        ("DATABASE_URL", database.as_str()),
        ("KAFKA_SASL_PASSWORD", "hunter2-kafka"),
        ("AUTH", "jwt"),
        ("JWT_HS256_SECRET", secret.as_str()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", headers.as_str()),
        ("LOG", "debug"),
    ];
    let mut gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let mut consumer = testbed.start_with(Role::Consume, &variables).await.unwrap();
    let mut told = String::new();

    let http = Client::new();
    let url = |path: &str| format!("{}{path}", gateway.base());
    let bearer = token(&format!("{MARK}-user"), None);
    for request in [
        http.post(url("/graphql")).json(&json!({ "query": "query A($a: ID!) { event(eventId: $a) { title } }", "variables": { "a": "x" } })),
        http.post(url("/graphql")).json(&json!({ "query": "{ nothing }" })),
        http.post(url("/graphql")).body("{"),
        http.get(url("/graphql/stream?query=%7B__typename%7D")),
        http.get(url("/export/events/x/timeline.csv")),
        http.get(url("/readyz")),
        http.get(url("/metrics")),
        http.get(url("/schema.graphql")),
        http.get(format!("{}/metrics", consumer.base())),
        http.get(format!("{}/readyz", consumer.base())),
    ] {
        for bearer in [bearer.as_str(), "hunter2.hunter2.hunter2"] {
            let request = request.try_clone().unwrap().bearer_auth(bearer);
            told += &request.send().await.unwrap().text().await.unwrap();
        }
    }
    // Variables of queries are nobody's business either.
    let variable = json!({ "query": "query A($a: ID!) { user(userId: $a) { eventCount } }", "variables": { "a": "hunter2-asked" } });
    http.post(url("/graphql")).bearer_auth(&bearer).json(&variable).send().await.unwrap();
    let kcat = testbed.kcat();
    kcat.produce(testbed.topics().sources()[0], "evt-1", "{\"eventId\":1}").await.unwrap();

    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["check"],
        &["migrate", "status"],
        &["check", "--log", "x=y=z"],
    ] {
        let output = testbed.run(arguments, &variables).await.unwrap();
        told += &String::from_utf8_lossy(&output.stdout);
        told += &String::from_utf8_lossy(&output.stderr);
    }
    gateway.terminate().unwrap();
    consumer.terminate().unwrap();
    let logs = gateway.log().unwrap() + &consumer.log().unwrap();
    assert!(logs.lines().count() > 20, "{logs}");
    told += &logs;
    for line in told.lines() {
        assert!(!line.contains(MARK) && !line.contains(SECRET) && !line.contains(&bearer), "{line}");
    }
}
