use std::process::Output;

use tests::testbed::Testbed;

fn told(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap() + &String::from_utf8_lossy(&output.stderr)
}

#[track_caller]
fn line<'a>(told: &'a str, verdict: &str, what: &str) -> &'a str {
    let mut lines = told.lines();
    lines
        .find(|line| line.starts_with(verdict) && line[verdict.len()..].trim_start().starts_with(what))
        .unwrap_or_else(|| panic!("no line {verdict} {what} in\n{told}"))
}

/// So that it meets nobody on the usual ports.
const PORTS: [(&str, &str); 2] = [("HTTP_ADDR", "127.0.0.1:0"), ("CONSUMER_HTTP_ADDR", "127.0.0.1:0")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_asks_everything_and_changes_nothing() {
    let testbed = Testbed::builder().unmigrated().build().await.unwrap();
    for _ in 0..2 {
        let output = testbed.run(&["check"], &PORTS).await.unwrap();
        let told = told(&output);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(
            line(&told, "ok", "database").contains("`pulsegate migrate up` would apply m20260105_000001")
        );
        line(&told, "ok", "cache and bus");
        assert!(line(&told, "ok", "kafka").contains("has 4 partitions"), "{told}");
        assert!(line(&told, "ok", "tokens").contains("everybody"));
        assert!(line(&told, "ok", "HTTP_ADDR").contains("`serve` would listen on 127.0.0.1:0"));
    }
    testbed.run(&["migrate", "up"], &[]).await.unwrap();
    let output = testbed.run(&["check"], &PORTS).await.unwrap();
    assert!(line(&told(&output), "ok", "database").contains("migrations are there"), "{}", told(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_names_all_that_does_not_answer() {
    let testbed = Testbed::new().await.unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let away = [
        ("DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/d"),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("KAFKA_BROKERS", "127.0.0.1:1"),
        ("AUTH", "jwt"),
        ("JWT_JWKS_URL", "http://127.0.0.1:1/keys"),
        ("HTTP_ADDR", &address),
        ("CONSUMER_HTTP_ADDR", "127.0.0.1:0"),
    ];
    let output = testbed.run(&["check"], &away).await.unwrap();
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for what in ["database", "cache and bus", "kafka", "tokens", "HTTP_ADDR"] {
        line(&told, "FAILED", what);
    }
    line(&told, "ok", "CONSUMER_HTTP_ADDR");
    assert!(told.contains("pulsegate: 5 of 8 checks failed") && !told.contains("hunter2"), "{told}");

    let wrong = [("LIMIT_DEPTH", "deep"), ("TIMELINE_RETENTION", "soon"), ("CONSUMER_HTTP_ADDR", "x")];
    let output = testbed.run(&["check"], &wrong).await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 3, "{output:?}");
}
