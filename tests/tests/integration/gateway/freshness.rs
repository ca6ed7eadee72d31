use sea_orm::sqlx;
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::testbed::{Role, Testbed};

use super::fill;

/// What is read of channels follows from what is asked for, in whatever form.
const FORMS: [(&str, &str); 8] = [
    ("alone", "channels { channelName freshness { asOf source } }"),
    ("with what needs less", "funnel { steps { count } } channels { channelName freshness { asOf source } }"),
    (
        "by another name",
        "tv: channels(types: [TV]) { channelName } channels { channelName freshness { asOf source } }",
    ),
    ("in a fragment", "channels { channelName ...Told }"),
    (
        "in the event's fragment",
        "... on Node { ... on EventAnalytics { channels { freshness { asOf source } } } } channels { channelName }",
    ),
    (
        "of one channel",
        "channels { channelName } channel(channelName: \"인스타그램\") { channelName freshness { asOf source } }",
    ),
    (
        "of one channel alone",
        "channel(channelName: \"인스타그램\") { channelName freshness { asOf source } }",
    ),
    ("of the event, too", "freshness { asOf } channels { channelName freshness { asOf source } }"),
];

/// The channel's freshness in every event of an answer.
fn told(events: &Value) -> Vec<&Value> {
    events.as_array().into_iter().flatten().map(|event| &channel(event)["freshness"]).collect()
}

fn channel(event: &Value) -> &Value {
    let channels = event["channels"].as_array().into_iter().flatten();
    let named = || channels.into_iter().find(|channel| channel["channelName"] == "인스타그램");
    event.get("channel").or_else(named).unwrap_or(&Value::Null)
}

async fn ask(client: &GraphQl, document: &str, testbed: &Testbed, event: &str) -> Value {
    let fragment = if document.contains("...Told") {
        "fragment Told on ChannelAnalytics { freshness { asOf source } }"
    } else {
        ""
    };
    let variables = json!({ "user": testbed.id("user", 0), "event": event });
    client.data(&format!("{document} {fragment}"), variables).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn freshness_is_told_in_whatever_form_it_is_asked_for() {
    let testbed = Testbed::new().await.unwrap();
    let ids = fill(&testbed, 3).await;
    sqlx::query(
        "INSERT INTO channel_reading (event_id, channel_name, read_at, fresh_until) \
         SELECT id, '인스타그램', TIMESTAMP '2026-01-05 09:30', TIMESTAMP '2026-01-05 09:33' \
         FROM unnest($1::text[]) AS id",
    )
    .bind(&ids)
    .execute(testbed.database())
    .await
    .unwrap();
    let expected = json!({ "asOf": "2026-01-05T09:30:00Z", "source": "EXTERNAL_API" });
    for cache in ["on", "off"] {
        let gateway = testbed.start_with(Role::Serve, &[("CACHE", cache)]).await.unwrap();
        let client = gateway.graphql().unwrap();
        for (form, fields) in FORMS {
            let of_a_user = "query ($user: ID!) { user(userId: $user) { events(first: 10)";
            let nodes = format!("{of_a_user} {{ nodes {{ {fields} }} }} }} }}");
            let data = ask(&client, &nodes, &testbed, &ids[0]).await;
            assert_eq!(
                told(&data["user"]["events"]["nodes"]),
                [&expected; 3],
                "{form}, cache {cache}: {data}"
            );

            // The one part needs less than the other.
            let both = format!(
                "{of_a_user} {{ nodes {{ funnel {{ steps {{ count }} }} }} edges {{ node {{ {fields} }} }} }} }} }}"
            );
            let data = ask(&client, &both, &testbed, &ids[0]).await;
            let edges = data["user"]["events"]["edges"].as_array().unwrap();
            let nodes: Value = edges.iter().map(|edge| edge["node"].clone()).collect();
            assert_eq!(told(&nodes), [&expected; 3], "{form}, cache {cache}: {data}");

            let event = format!(
                "query ($event: ID!) {{ less: event(eventId: $event) {{ channels {{ views }} }} event(eventId: $event) {{ {fields} }} }}"
            );
            let data = ask(&client, &event, &testbed, &ids[1]).await;
            assert_eq!(told(&json!([data["event"]])), [&expected], "{form}, cache {cache}: {data}");
        }
    }
}
