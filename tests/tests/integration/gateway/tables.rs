//! Lists are written in one go where all that is asked for is at hand, and by the GraphQL library where it is not.

use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::testbed::{Role, Testbed};

use super::fill;

const FIELDS: &str = "query ($type: String!) { __type(name: $type) { fields {
  name args { name } type { kind ofType { kind ofType { kind } } } } } }";

const FUNNEL: &str = "steps { key: __typename count fromPrevious }";

/// The fields of a type that take nothing and have no parts, in an order that no type has, with some under other names.
async fn leaves(client: &GraphQl, kind: &str) -> String {
    let answer = client.data(FIELDS, json!({ "type": kind })).await.unwrap();
    let is_leaf = |field: &&Value| {
        let mut kind = &field["type"];
        while !kind["ofType"].is_null() {
            kind = &kind["ofType"];
        }
        field["args"] == json!([]) && ["SCALAR", "ENUM"].contains(&kind["kind"].as_str().unwrap())
    };
    let fields = answer["__type"]["fields"].as_array().unwrap();
    let names: Vec<&str> =
        fields.iter().filter(is_leaf).map(|field| field["name"].as_str().unwrap()).collect();
    assert!(names.len() > 3, "{kind} has {names:?}");
    let first = names.first().unwrap();
    let names = names.iter().rev().copied().collect::<Vec<_>>().join(" ");
    format!("{names} __typename {first} again: {first}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_say_the_same_whoever_writes_them() {
    let testbed = Testbed::new().await.unwrap();
    let ids = fill(&testbed, 3).await;
    let gateway = testbed.start_with(Role::Serve, &[("CACHE", "off")]).await.unwrap();
    let client = gateway.graphql().unwrap();
    let point = leaves(&client, "TimelinePoint").await;
    let totals = leaves(&client, "TimelineTotals").await;
    let channel = leaves(&client, "ChannelAnalytics").await;
    let event = leaves(&client, "EventAnalytics").await;
    let row = leaves(&client, "ChannelRankingRow").await;
    let roi = leaves(&client, "Roi").await;
    let own = roi.replace("distributionCost", "").replace("costPerConversion", "");
    let variables = json!({ "event": ids[0], "user": testbed.id("user", 0) });
    // The parent, the list, and what of it.
    let lists = [
        (
            "query ($event: ID!) { event(eventId: $event)",
            "timeline(granularity: HOUR, compareTo: PREVIOUS_PERIOD)",
            format!("points {{ {point} compared {{ {totals} }} }}"),
        ),
        ("query ($event: ID!) { event(eventId: $event)", "channels", channel.clone()),
        ("query ($event: ID!) { event(eventId: $event)", "channels(types: [VOICE])", channel.clone()),
        (
            "query ($user: ID!) { user(userId: $user)",
            "events(first: 2)",
            format!("nodes {{ ... on Node {{ id }} title {event} }}"),
        ),
        (
            "query ($user: ID!) { user(userId: $user)",
            "events(first: 2)",
            format!(
                "nodes {{ channels(types: [SNS]) {{ {channel} }} roi {{ {roi} }} funnel {{ {FUNNEL} }} }}"
            ),
        ),
        (
            "query ($user: ID!) { user(userId: $user)",
            "events(first: 2)",
            format!("nodes {{ roi {{ {own} }} }}"),
        ),
        (
            "query ($user: ID!) { user(userId: $user)",
            "events(first: 2)",
            format!("nodes {{ roi {{ {roi} }} }}"),
        ),
        (
            "query ($user: ID!) { user(userId: $user)",
            "channelRanking(by: VIEWS)",
            format!("rows {{ {row} }}"),
        ),
    ];
    for (parent, list, parts) in lists {
        let once = format!("list: {list} {{ {parts} }}");
        let written = client.data(&format!("{parent} {{ {once} }} }}"), variables.clone()).await.unwrap();
        // Asked for twice under one key, the parts have to be merged, which only the library does.
        let twice = format!("{parent} {{ {once} {once} }} }}");
        let resolved = client.data(&twice, variables.clone()).await.unwrap();
        assert_eq!(written.to_string(), resolved.to_string(), "{list}");
        assert!(written.to_string().len() > 20, "{written}");
    }
}
