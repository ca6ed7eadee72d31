//! Every path of the schema, for few parents and for many.

use sea_orm::sqlx;
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::testbed::{Role, Testbed};

use super::counter::Counter;

/// Objects below the parents that are looked into.
const DEPTH: usize = 7;
const FEW: usize = 2;
const MANY: usize = 9;
/// A level is a statement per table; the deepest path has a user, their events, and two tables of each.
const STATEMENTS: i64 = 8;

const SCHEMA: &str = "
{
  __schema {
    types {
      name kind
      fields {
        name
        args { name defaultValue type { kind } }
        type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
      }
    }
  }
}";

/// A value for each argument that has none of its own.
fn argument(name: &str) -> &'static str {
    match name {
        "channelName" => "\"인스타그램\"",
        "until" => "\"2099-01-01T00:00:00Z\"",
        other => panic!("the walk needs a value for the argument {other}"),
    }
}

struct Schema(Vec<Value>);

impl Schema {
    async fn read(client: &GraphQl) -> Self {
        let mut data = client.data(SCHEMA, json!({})).await.unwrap();
        Self(serde_json::from_value(data["__schema"]["types"].take()).unwrap())
    }

    fn fields(&self, of: &str) -> &[Value] {
        let found = self.0.iter().find(|kind| kind["name"] == of).unwrap();
        found["fields"].as_array().unwrap()
    }

    /// All that is no object and needs no argument.
    fn leaves(&self, of: &str) -> String {
        let leaves = self.fields(of).iter().filter(|field| object(field).is_none());
        let names: Vec<_> = leaves.map(|field| field["name"].as_str().unwrap()).collect();
        names.join(" ")
    }

    /// A selection for each way down from a type, no type twice on one way.
    fn paths(&self, of: &str, above: &[&str], found: &mut Vec<String>, around: &dyn Fn(&str) -> String) {
        found.push(around(&format!("__typename {}", self.leaves(of))));
        if above.len() == DEPTH {
            return;
        }
        let above = [above, &[of]].concat();
        for field in self.fields(of) {
            let Some(inner) = object(field).filter(|inner| !above.contains(inner)) else { continue };
            let head = head(field);
            self.paths(inner, &above, found, &|below| around(&format!("{head} {{ {below} }}")));
        }
    }

    fn all(&self, of: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.paths(of, &[], &mut found, &str::to_owned);
        found
    }
}

/// The name of the object that a field gives, alone or in a list.
fn object(field: &Value) -> Option<&str> {
    let mut kind = &field["type"];
    while !kind["ofType"].is_null() {
        kind = &kind["ofType"];
    }
    (kind["kind"] == "OBJECT").then(|| kind["name"].as_str().unwrap())
}

/// The field with what it can't do without.
fn head(field: &Value) -> String {
    let required = field["args"].as_array().unwrap().iter();
    let required = required
        .filter(|argument| argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null());
    let given: Vec<_> = required
        .map(|found| {
            let name = found["name"].as_str().unwrap();
            format!("{name}: {}", argument(name))
        })
        .collect();
    let name = field["name"].as_str().unwrap();
    if given.is_empty() { name.to_owned() } else { format!("{name}({})", given.join(", ")) }
}

/// Users with two events each, two channels and three minutes of each event.
async fn fill(testbed: &Testbed, users: usize) {
    for statement in [
        "INSERT INTO event_stats (event_id, event_title, user_id, total_participants, total_investment, created_at, revision) \
         SELECT 'evt-' || u || '-' || e, '이벤트', 'user-' || u, 3, 1000, TIMESTAMP '2026-01-05' + u * INTERVAL '1 hour', 1 \
         FROM generate_series(1, $1::int) AS u, generate_series(1, 2) AS e",
        "INSERT INTO channel_stats (event_id, channel_name, channel_type, views, participants) \
         SELECT 'evt-' || u || '-' || e, name, type, 10, 1 FROM generate_series(1, $1::int) AS u, generate_series(1, 2) AS e, \
                (VALUES ('우리동네TV', 'TV'), ('인스타그램', 'SNS')) AS channel (name, type)",
        "INSERT INTO timeline_data (event_id, timestamp, participants, cumulative_participants) \
         SELECT 'evt-' || u || '-' || e, TIMESTAMP '2026-01-05 00:30' + n * INTERVAL '1 hour', 1, n \
         FROM generate_series(1, $1::int) AS u, generate_series(1, 2) AS e, generate_series(1, 3) AS n",
    ] {
        sqlx::query(statement).bind(i32::try_from(users).unwrap()).execute(testbed.database()).await.unwrap();
    }
}

/// Parents that no query had yet, so that no cache has them.
struct Fresh(usize);

impl Fresh {
    fn take(&mut self, number: usize) -> Vec<usize> {
        self.0 += number;
        (self.0 - number + 1..=self.0).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_of_the_schema_costs_statements_by_the_number_of_parents() {
    let testbed = Testbed::new().await.unwrap();
    let counter = Counter::before(&testbed).await;
    let limits = [("DATABASE_URL", counter.url.as_str()), ("REDIS_URL", ""), ("LIMIT_COST", "10000000")];
    let gateway = testbed.start_with(Role::Serve, &limits).await.unwrap();
    // Tells ids without the other one's remembering them.
    let registry = testbed.start_with(Role::Serve, &[("REDIS_URL", "")]).await.unwrap();
    let registrar = registry.graphql().unwrap();
    let client = gateway.graphql().unwrap();
    let schema = Schema::read(&client).await;

    let mut walks: Vec<(&str, String)> = Vec::new();
    for kind in ["EventAnalytics", "ChannelAnalytics", "UserAnalytics"] {
        let inside =
            |path| format!("query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind} {{ {path} }} }} }}");
        walks.extend(schema.all(kind).into_iter().map(|path| (kind, inside(path))));
    }
    let list = |path| {
        format!("query ($ids: [ID!]) {{ events(filter: {{ eventIds: $ids }}, first: 50) {{ {path} }} }}")
    };
    walks.extend(schema.all("EventConnection").into_iter().map(|path| ("list", list(path))));
    assert!(walks.len() > 60, "{} paths", walks.len());
    fill(&testbed, walks.len() * (FEW + MANY) + 1).await;

    let mut fresh = Fresh(0);
    let mut dear = Vec::new();
    // What is read once in a process's life is none of a query's business.
    let first: Vec<String> = fresh.take(1).iter().map(|user| format!("evt-{user}-1")).collect();
    client
        .data(
            &list("nodes { title timeline { cursor } freshness { source } }".to_owned()),
            json!({ "ids": first }),
        )
        .await
        .unwrap();
    for (kind, document) in &walks {
        let mut costs = Vec::new();
        for parents in [FEW, MANY] {
            let users = fresh.take(parents);
            let events: Vec<String> = users.iter().map(|user| format!("evt-{user}-1")).collect();
            let ids = match *kind {
                "list" => json!(events),
                "UserAnalytics" => ids_of_users(&registrar, &users).await,
                kind => ids_of_events(&registrar, &events, kind).await,
            };
            assert_eq!(ids.as_array().unwrap().len(), parents);
            let before = counter.executed();
            let data = client.data(document, json!({ "ids": ids })).await.unwrap();
            costs.push(counter.executed() - before);
            if let Some(nodes) = data["nodes"].as_array() {
                assert!(
                    nodes.len() == parents && nodes.iter().all(|node| !node.is_null()),
                    "{document}: {data}"
                );
            }
        }
        // The breakers' states are read once a second, by whoever asks first.
        let shared = i64::from(document.contains("freshness"));
        if costs[0].abs_diff(costs[1]) > shared.unsigned_abs() || costs[1] > STATEMENTS || costs[0] < 1 {
            dear.push(format!("{costs:?} statements for {FEW} and {MANY} parents: {document}"));
        }
    }
    assert!(dear.is_empty(), "{}", dear.join("\n"));
}

async fn ids_of_users(client: &GraphQl, users: &[usize]) -> Value {
    let fields: Vec<_> =
        users.iter().map(|user| format!("u{user}: user(userId: \"user-{user}\") {{ id }}")).collect();
    let data = client.data(&format!("{{ {} }}", fields.join(" ")), json!({})).await.unwrap();
    users.iter().map(|user| data[format!("u{user}")]["id"].clone()).collect()
}

async fn ids_of_events(client: &GraphQl, events: &[String], kind: &str) -> Value {
    let document = "query ($ids: [ID!]) { events(filter: { eventIds: $ids }, first: 50) { nodes { id channels { id } } } }";
    let data = client.data(document, json!({ "ids": events })).await.unwrap();
    let nodes = data["events"]["nodes"].as_array().unwrap().iter();
    let id = |node: &Value| {
        if kind == "EventAnalytics" { node["id"].clone() } else { node["channels"][0]["id"].clone() }
    };
    nodes.map(id).collect()
}
