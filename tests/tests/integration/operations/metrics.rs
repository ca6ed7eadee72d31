use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tests::system::program;
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;

async fn scrape(process: &Pulsegate) -> String {
    reqwest::get(format!("{}/metrics", process.base())).await.unwrap().text().await.unwrap()
}

/// The names of what is measured, without the endings of histograms.
fn names(text: &str) -> BTreeSet<String> {
    let series = text.lines().filter(|line| !line.starts_with('#'));
    let name = |line: &str| line.split(['{', ' ']).next().unwrap_or_default().to_owned();
    series.map(name).filter(|name| !name.is_empty()).collect()
}

/// What a name is called without what a histogram appends.
fn family(name: &str) -> &str {
    let endings = ["_bucket", "_sum", "_count"];
    endings.into_iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

/// What expressions of the dashboard and of the alerts are about.
fn asked(expression: &str) -> BTreeSet<String> {
    expression
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.starts_with("pulsegate_"))
        .map(str::to_owned)
        .collect()
}

/// Every text under a key of that name.
fn under(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let (true, Value::String(text)) = (name == key, value) {
                    found.push(text.clone());
                }
                under(value, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| under(item, key, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dashboards_and_alerts_ask_for_what_is_measured() {
    let testbed = Testbed::new().await.unwrap();
    // What it is to read from is no replica.
    let replica = [("DATABASE_READ_URL", testbed.database_url())];
    let gateway = testbed.start_with(Role::Serve, &replica).await.unwrap();
    // Its channels' API is away.
    let channels = [("CHANNEL_API_SNS_URL", "http://127.0.0.1:1"), ("CHANNEL_REFRESH_INTERVAL", "1s")];
    let consumer = testbed.start_with(Role::Consume, &channels).await.unwrap();
    let [topic, participants, distributions] = testbed.topics().sources();
    let body = json!({ "eventId": testbed.id("evt", 0), "eventTitle": "이벤트", "userId": "u", "totalInvestment": "1",
                       "expectedRevenue": "2", "occurredAt": "2026-01-05T00:00:00Z" });
    let kcat = testbed.kcat();
    kcat.produce(topic, "a", &body.to_string()).await.unwrap();
    kcat.produce(topic, "a", "no JSON").await.unwrap();
    let graphql = gateway.graphql().unwrap();
    let mut socket = gateway.socket().await.unwrap();
    socket
        .subscribe("1", "subscription Live { userUpdated(userId: \"u\") { cursor } }", json!({}))
        .await
        .unwrap();
    let _stream = reqwest::get(format!(
        "{}/graphql/stream?query=subscription%7BuserUpdated(userId:%22u%22)%7Bcursor%7D%7D",
        gateway.base()
    ))
    .await
    .unwrap();
    graphql.data("query Page { events(first: 1) { totalCount nodes { title } } }", json!({})).await.unwrap();
    graphql.answer("query Wrong { event(eventId: \"\") { title } }", json!({})).await.unwrap();
    for number in 0..150 {
        graphql.data(&format!("query Name{number} {{ __typename }}"), json!({})).await.unwrap();
    }
    let event = testbed.id("evt", 0);
    let channel = json!({ "channelName": "인스타그램", "channelType": "SNS", "distributionCost": "1" });
    let distribution =
        json!({ "eventId": event, "occurredAt": "2026-01-05T00:00:00Z", "channels": [channel] });
    kcat.produce(distributions, "a", &distribution.to_string()).await.unwrap();
    let participant = json!({ "eventId": event, "participantId": "p", "occurredAt": "2026-01-05T00:00:00Z" });
    let all = "all that is measured";
    let mut updates = 0;
    let measured = wait::until(all, Duration::from_secs(60), async || {
        // Until somebody who follows is told of one.
        updates += 1;
        let mut participant = participant.clone();
        participant["messageId"] = format!("{event}-{updates}").into();
        kcat.produce(participants, "a", &participant.to_string()).await?;
        let event = json!({ "event": testbed.id("evt", 0) });
        let document =
            "query Event($event: ID!) { event(eventId: $event) { roi { roi } channels { channelName } } }";
        graphql.answer(document, event).await?;
        let text = scrape(&gateway).await + &scrape(&consumer).await;
        let is_there = [
            "pulsegate_consumer_dead_letters_total{",
            "pulsegate_consumer_lag_messages{",
            "pulsegate_cache_lookups_total{",
            "pulsegate_live_update_latency_seconds_count ",
            "pulsegate_channel_api_breaker{",
        ]
        .iter()
        .all(|name| text.contains(name));
        Ok(if is_there { Ok(text) } else { Err(anyhow::anyhow!("{text}")) })
    })
    .await
    .unwrap();

    let operations: BTreeSet<&str> = measured
        .lines()
        .filter_map(|line| {
            line.strip_prefix("pulsegate_graphql_operations_total{operation=\"")?.split('"').next()
        })
        .collect();
    assert!(operations.contains("Page") && operations.contains("other"), "{operations:?}");
    assert!(operations.len() <= 103, "{} names", operations.len());

    let folder = program::repository().join("deploy");
    let dashboard = std::fs::read(folder.join("grafana/pulsegate.json")).unwrap();
    let rules = std::fs::read(folder.join("prometheus/alerts.yaml")).unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    let rules: Value = serde_yaml_ng::from_slice(&rules).unwrap();
    let mut expressions = Vec::new();
    under(&dashboard, "expr", &mut expressions);
    assert!(expressions.len() >= 15, "{expressions:?}");
    let panels = expressions.len();
    under(&rules, "expr", &mut expressions);
    assert!(expressions.len() - panels >= 8);
    let names = names(&measured);
    let mut seen = BTreeSet::new();
    for expression in &expressions {
        let asked = asked(expression);
        assert!(!asked.is_empty() || expression.contains("up{"), "{expression}");
        for name in asked {
            assert!(names.contains(&name), "{name} of {expression} is not measured; there are {names:#?}");
            seen.insert(family(&name).to_owned());
        }
    }
    // The dashboard's list of jobs is made from it.
    seen.insert("pulsegate_build_info".to_owned());
    let unseen: Vec<&str> =
        names.iter().map(|name| family(name)).filter(|name| !seen.contains(*name)).collect();
    assert!(unseen.is_empty(), "measured, but on no panel and in no alert: {unseen:?}");
}
