use sea_orm::sqlx;
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::testbed::{Pulsegate, Role, Testbed};

use super::fill;

async fn errors(client: &GraphQl, document: &str) -> Value {
    client.answer(document, json!({})).await.unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_says_which_argument_what_is_wrong_and_what_is_allowed() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    let range = |range: &str| format!("timeline(range: {range}) {{ from }}");
    for (field, parts) in [
        (range("{ last: \"P0D\" }"), vec!["range.last", "ISO 8601", "above zero"]),
        (range("{ last: \"-PT1M\" }"), vec!["range.last", "ISO 8601", "above zero"]),
        (range("{ last: \"P101Y\" }"), vec!["range.last", "100 years"]),
        (
            range("{ last: \"P1D\", from: \"2026-01-05T00:00:00Z\" }"),
            vec!["`range`", "either `last`", "not both"],
        ),
        (
            range("{ from: \"2026-01-05T00:00:00Z\", to: \"2026-01-05T00:00:00Z\" }"),
            vec!["`range`", "must lie before"],
        ),
        (range("{ from: \"2099-01-05T00:00:00Z\" }"), vec!["`range`", "must lie before now"]),
        (
            "timeline(granularity: MINUTE, range: { last: \"P1Y\" }) { from }".to_owned(),
            vec!["`range`", "buckets of MINUTE", "finest granularity that fits is HOUR"],
        ),
        (
            "timeline(granularity: MONTH, range: { from: \"9999-11-01T00:00:00Z\", to: \"9999-12-02T00:00:00Z\" }) { to }".to_owned(),
            vec!["`range`", "beyond the years 1000 to 9999"],
        ),
        ("timeline(timeZone: \"Asia/Busan\") { from }".to_owned(), vec!["timeZone", "IANA"]),
        ("forecast(until: \"2020-01-01T00:00:00Z\") { low }".to_owned(), vec!["`until`", "not after now"]),
        (
            "forecast(until: \"2099-01-01T00:00:00Z\", confidence: \"1\") { low }".to_owned(),
            vec!["`confidence`", "is 1", "between 0 and 1"],
        ),
        (
            "forecast(until: \"2099-01-01T00:00:00Z\", confidence: 0) { low }".to_owned(),
            vec!["`confidence`", "is 0", "between 0 and 1"],
        ),
        ("channel(channelName: \"\") { views }".to_owned(), vec!["`channelName`", "is empty", "1 to 50"]),
    ] {
        let answer = errors(&client, &format!("{{ event(eventId: \"{event}\") {{ {field} }} }}")).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{field}: {answer}");
        let message = error["message"].as_str().unwrap();
        assert!(parts.iter().all(|part| message.contains(part)), "{field}: {message}");
    }
}

/// What fails has a path, what does not is there all the same, and what went wrong inside stays there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_part_of_a_page_is_null_with_its_path() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    let page = format!(
        "{{ head: event(eventId: \"{event}\") {{ title }} \
           other: event(eventId: \"{event}\") {{ channel(channelName: \"인스타그램\") {{ views }} title }} \
           metrics {{ name }} }}"
    );
    sqlx::query("ALTER TABLE channel_stats RENAME TO elsewhere").execute(testbed.database()).await.unwrap();
    let answer = errors(&client, &page).await;
    assert!(answer["data"]["head"]["title"].is_string(), "{answer}");
    assert_eq!(answer["data"]["other"]["channel"], Value::Null);
    assert!(answer["data"]["other"]["title"].is_string() && answer["data"]["metrics"][0]["name"].is_string());
    let error = &answer["errors"][0];
    // A schema that is not the expected one may yet become it.
    assert_eq!(error["extensions"]["code"], "UNAVAILABLE", "{answer}");
    assert_eq!(error["path"], json!(["other", "channel"]), "{answer}");
    assert!(error["locations"][0]["line"].is_number(), "{answer}");
    assert_told_to_the_operator(&gateway, &answer, "channel_stats");
}

/// The operator finds by the error's id what the client is not told.
fn assert_told_to_the_operator(gateway: &Pulsegate, answer: &Value, secret: &str) {
    let id = answer["errors"][0]["extensions"]["errorId"].as_str().unwrap();
    assert!(!answer.to_string().contains(secret), "{answer}");
    let log = gateway.log().unwrap();
    let line = log.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{id} is not in {log}"));
    assert!(line.contains(secret), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_defect_is_internal_and_told_to_the_operator_alone() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let gateway = testbed.start(Role::Serve).await.unwrap();
    // A status that no version of the product has written.
    sqlx::query("ALTER TABLE event_stats DROP CONSTRAINT event_stats_status_check")
        .execute(testbed.database())
        .await
        .unwrap();
    sqlx::query("UPDATE event_stats SET status = 'MISLAID'").execute(testbed.database()).await.unwrap();
    let client = gateway.graphql().unwrap();
    let query = format!("{{ event(eventId: \"{event}\") {{ title }} metrics {{ name }} }}");
    let answer = errors(&client, &query).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "INTERNAL", "{answer}");
    assert_eq!((&error["path"], &answer["data"]["event"]), (&json!(["event"]), &Value::Null), "{answer}");
    assert!(answer["data"]["metrics"][0]["name"].is_string(), "{answer}");
    assert_told_to_the_operator(&gateway, &answer, "unknown status");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_keeps_waiting_is_a_timeout() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    // Sooner than the product's own patience with a statement.
    let database =
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = 300', current_database()); END $$";
    sqlx::query(database).execute(testbed.database()).await.unwrap();
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    let mut locked = testbed.database().begin().await.unwrap();
    sqlx::query("LOCK TABLE channel_stats IN ACCESS EXCLUSIVE MODE").execute(&mut *locked).await.unwrap();
    let query = format!(
        "{{ event(eventId: \"{event}\") {{ title funnel {{ steps {{ count }} }} }} metrics {{ name }} }}"
    );
    let answer = errors(&client, &query).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "TIMEOUT", "{answer}");
    assert_eq!(error["path"], json!(["event"]), "{answer}");
    assert!(answer["data"]["metrics"][0]["name"].is_string(), "{answer}");
    assert_told_to_the_operator(&gateway, &answer, "lock timeout");
    locked.rollback().await.unwrap();
    // What was waited for in vain is not kept.
    assert_eq!(errors(&client, &query).await.get("errors"), None);
}
