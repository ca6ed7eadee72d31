use std::cmp::Ordering;

use rust_decimal::Decimal;
use sea_orm::sqlx;
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::testbed::{Role, Testbed};

const EVENTS: usize = 23;

/// By field: what the answer shows of it.
const ORDERS: [(&str, &str); 9] = [
    ("CREATED_AT", "/createdAt"),
    ("UPDATED_AT", "/updatedAt"),
    ("TITLE", "/title"),
    ("PARTICIPANTS", "/totalParticipants"),
    ("VIEWS", "/totalViews"),
    ("ROI", "/roi/roi"),
    ("ESTIMATED_ROI", "/roi/estimatedRoi"),
    ("TOTAL_INVESTMENT", "/roi/totalInvestment"),
    ("EXPECTED_REVENUE", "/roi/expectedRevenue"),
];

const PAGE: &str = "
query ($field: EventOrderField!, $direction: SortDirection!, $first: Int, $after: String, $last: Int, $before: String) {
  events(orderBy: { field: $field, direction: $direction }, first: $first, after: $after, last: $last, before: $before) {
    edges {
      cursor
      node { eventId title totalParticipants totalViews createdAt updatedAt
             roi { roi estimatedRoi totalInvestment expectedRevenue } }
    }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}";

/// Many share each value; every fifth has no ROI.
async fn insert(testbed: &Testbed, from: usize, to: usize) {
    sqlx::query(
        "INSERT INTO event_stats (event_id, event_title, user_id, total_participants, total_views, estimated_roi, \
                                  total_investment, expected_revenue, created_at, updated_at, revision) \
         SELECT 'evt-' || lpad((n * 7 % 100)::text, 3, '0'), '이벤트 ' || n % 4, 'user-01', n % 3, n % 2, n % 5, \
                CASE WHEN n % 5 = 0 THEN 0 ELSE 100 * (n % 4 + 1) END, 700 * (n % 3), \
                TIMESTAMP '2026-01-05' + n % 6 * INTERVAL '1 hour', \
                TIMESTAMP '2026-01-06' + n % 7 * INTERVAL '1 second', 1 \
         FROM generate_series($1::int, $2::int) AS n",
    )
    .bind(i32::try_from(from).unwrap())
    .bind(i32::try_from(to).unwrap())
    .execute(testbed.database())
    .await
    .unwrap();
}

/// What has no value comes last either way; ties go by id.
fn compare(left: &Value, right: &Value, pointer: &str, direction: &str) -> Ordering {
    let value = |node: &Value| node.pointer(pointer).unwrap().clone();
    let by_value = match (value(left), value(right)) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (left, right) => {
            let number = |value: &Value| value.to_string().trim_matches('"').parse::<Decimal>().ok();
            let ordering = match (number(&left), number(&right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.as_str().unwrap().cmp(right.as_str().unwrap()),
            };
            if direction == "DESC" { ordering.reverse() } else { ordering }
        }
    };
    by_value.then_with(|| left["eventId"].as_str().unwrap().cmp(right["eventId"].as_str().unwrap()))
}

struct List<'a> {
    client: &'a GraphQl,
    field: &'a str,
    direction: &'a str,
}

impl List<'_> {
    async fn page(&self, arguments: Value) -> Value {
        let mut variables = json!({ "field": self.field, "direction": self.direction });
        variables.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        self.client.data(PAGE, variables).await.unwrap()["events"].take()
    }

    /// All pages of three, from the beginning or from the end; `between` happens after each.
    async fn walk(&self, backward: bool, mut between: impl AsyncFnMut()) -> Vec<Value> {
        let mut nodes: Vec<Value> = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let arguments = if backward {
                json!({ "last": 3, "before": cursor })
            } else {
                json!({ "first": 3, "after": cursor })
            };
            let page = self.page(arguments).await;
            let (info, edges) = (&page["pageInfo"], page["edges"].as_array().unwrap());
            let found = edges.iter().map(|edge| edge["node"].clone());
            if backward {
                nodes.splice(0..0, found);
            } else {
                nodes.extend(found);
            }
            assert_eq!(
                edges.first().map(|edge| &edge["cursor"]),
                info["startCursor"].as_str().map(|_| &info["startCursor"])
            );
            let (more, next) =
                if backward { ("hasPreviousPage", "startCursor") } else { ("hasNextPage", "endCursor") };
            let (behind, is_first) =
                (if backward { "hasNextPage" } else { "hasPreviousPage" }, cursor.is_null());
            assert_eq!(info[behind], json!(!is_first), "{page}");
            if info[more] == false {
                return nodes;
            }
            assert_eq!(edges.len(), 3);
            cursor = info[next].clone();
            between().await;
        }
    }
}

fn ids(nodes: &[Value]) -> Vec<&str> {
    nodes.iter().map(|node| node["eventId"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_go_together_in_every_order_both_ways() {
    let testbed = Testbed::new().await.unwrap();
    insert(&testbed, 1, EVENTS).await;
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    for (field, pointer) in ORDERS {
        for direction in ["ASC", "DESC"] {
            let list = List { client: &client, field, direction };
            let whole = list.page(json!({ "first": 100 })).await;
            let mut expected: Vec<Value> =
                whole["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()).collect();
            expected.sort_by(|left, right| compare(left, right, pointer, direction));
            let forward = list.walk(false, async || {}).await;
            assert_eq!(ids(&forward), ids(&expected), "{field} {direction}");
            assert_eq!(
                ids(&list.walk(true, async || {}).await),
                ids(&expected),
                "{field} {direction}, backward"
            );
            assert_eq!(forward.len(), EVENTS);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_there_all_the_time_comes_exactly_once_while_more_comes_in() {
    let testbed = Testbed::new().await.unwrap();
    insert(&testbed, 1, EVENTS).await;
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    let list = List { client: &client, field: "ROI", direction: "DESC" };
    let before = list.page(json!({ "first": 100 })).await;
    let before: Vec<Value> =
        before["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()).collect();
    let mut next = EVENTS + 1;
    for backward in [false, true] {
        let seen = list
            .walk(backward, async || {
                if next < 97 {
                    insert(&testbed, next, next + 2).await;
                    next += 3;
                }
            })
            .await;
        let old = ids(&before);
        let seen: Vec<_> = ids(&seen).into_iter().filter(|id| old.contains(id)).collect();
        assert_eq!(seen, old);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_belongs_to_its_list_and_a_page_has_a_size() {
    let testbed = Testbed::new().await.unwrap();
    insert(&testbed, 1, EVENTS).await;
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    let list = List { client: &client, field: "TITLE", direction: "ASC" };
    let cursor = list.page(json!({ "first": 1 })).await["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    assert!(!cursor.contains("evt"), "{cursor}");

    let refused = async |arguments: String| {
        let document = format!("{{ events({arguments}) {{ nodes {{ id }} }} }}");
        let (_, answer) = client.answer(&document, json!({})).await.unwrap();
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{document}: {answer}");
        error["message"].as_str().unwrap().to_owned()
    };
    let title = "orderBy: { field: TITLE, direction: ASC }";
    for other in [
        format!("after: \"{cursor}\""),
        format!("after: \"{cursor}\", orderBy: {{ field: TITLE, direction: DESC }}"),
        format!("before: \"{cursor}\", last: 2, {title}, filter: {{ status: [ACTIVE] }}"),
        format!("after: \"{cursor}\", {title}, filter: {{ userId: \"user-01\" }}"),
    ] {
        let message = refused(other).await;
        assert!(message.contains("another list or order"), "{message}");
    }
    let mut forged = cursor.clone().into_bytes();
    forged[3] ^= 1;
    let message = refused(format!("after: \"{}\", {title}", String::from_utf8(forged).unwrap())).await;
    assert!(
        message.contains("`after`") && message.contains("no cursor that was given out here"),
        "{message}"
    );
    for (arguments, parts) in [
        ("first: 101", ["`first`", "101", "0 to 100"]),
        ("last: 101", ["`last`", "101", "0 to 100"]),
        ("first: -1", ["`first`", "-1", "0 to 100"]),
        ("first: 1, last: 1", ["`first`", "`last`", "one of them"]),
    ] {
        let message = refused(arguments.to_owned()).await;
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }

    let none = list.page(json!({ "first": 0 })).await;
    assert_eq!((&none["edges"], &none["pageInfo"]["endCursor"]), (&json!([]), &Value::Null));
    assert_eq!(none["pageInfo"]["hasNextPage"], true);
    let same = list.page(json!({ "first": 100, "after": cursor })).await;
    assert_eq!(same["edges"].as_array().unwrap().len(), EVENTS - 1);

    // A user's list is a list of its own, alone or among others.
    let of_user = "query ($after: String) { user(userId: \"user-01\") { events(first: 2, after: $after) { nodes { eventId } pageInfo { endCursor } } } }";
    let first = client.data(of_user, json!({})).await.unwrap();
    let after = &first["user"]["events"]["pageInfo"]["endCursor"];
    let second = client.data(of_user, json!({ "after": after })).await.unwrap();
    assert_ne!(first["user"]["events"]["nodes"], second["user"]["events"]["nodes"]);
    let both = "{ a: user(userId: \"user-01\") { events(first: 2) { nodes { eventId } pageInfo { endCursor } } } \
                  b: user(userId: \"user-02\") { events(first: 2) { totalCount nodes { eventId } } } }";
    let both = client.data(both, json!({})).await.unwrap();
    assert_eq!(both["a"]["events"], first["user"]["events"]);
    assert_eq!(both["b"]["events"], json!({ "totalCount": 0, "nodes": [] }));
}

/// The events of users' pages come with their channels in one statement; each alone has the same.
#[tokio::test]
async fn users_pages_have_their_events_channels() {
    const NODE: &str = "eventId title channels { channelName participants views }";
    let testbed = Testbed::new().await.unwrap();
    let ids = super::fill(&testbed, 7).await;
    let [one, other] = [0, 1].map(|number| testbed.id("user", number));
    for (statement, event, user) in [
        ("UPDATE event_stats SET user_id = $2 WHERE event_id = $1", &ids[1], &other),
        ("UPDATE event_stats SET user_id = $2 WHERE event_id = $1", &ids[4], &other),
        ("DELETE FROM channel_stats WHERE event_id = $1 AND $2 <> ''", &ids[6], &one),
        ("DELETE FROM channel_stats WHERE event_id = $1 AND $2 <> ''", &ids[1], &one),
        (
            "UPDATE channel_stats SET participants = 2 WHERE event_id = $1 AND channel_name = '우리동네TV' AND $2 <> ''",
            &ids[5],
            &one,
        ),
    ] {
        sqlx::query(statement).bind(event).bind(user).execute(testbed.database()).await.unwrap();
    }
    for cache in ["off", "on"] {
        let gateway = testbed.start_with(Role::Serve, &[("CACHE", cache)]).await.unwrap();
        let client = gateway.graphql().unwrap();
        for (arguments, of_one, of_other) in [
            ("first: 2", vec![6, 5], vec![4, 1]),
            ("last: 2", vec![2, 0], vec![4, 1]),
            ("first: 0", vec![], vec![]),
            ("first: 5", vec![6, 5, 3, 2, 0], vec![4, 1]),
        ] {
            let pages = format!(
                "{{ a: user(userId: \"{one}\") {{ events({arguments}) {{ nodes {{ {NODE} }} }} }} \
                    b: user(userId: \"{other}\") {{ events({arguments}) {{ nodes {{ {NODE} }} }} }} }}"
            );
            let pages = client.data(&pages, json!({})).await.unwrap();
            for (page, expected) in [("a", of_one), ("b", of_other)] {
                let mut alone = Vec::new();
                for index in expected {
                    let event = format!("{{ event(eventId: \"{}\") {{ {NODE} }} }}", ids[index]);
                    alone.push(client.data(&event, json!({})).await.unwrap()["event"].take());
                }
                assert_eq!(pages[page]["events"]["nodes"], json!(alone), "{page}, {arguments}");
            }
        }
        let event = format!("{{ event(eventId: \"{}\") {{ {NODE} }} }}", ids[5]);
        let event = client.data(&event, json!({})).await.unwrap()["event"].take();
        assert_eq!(event["channels"][0]["channelName"], "우리동네TV", "the one with more participants");
    }
}
