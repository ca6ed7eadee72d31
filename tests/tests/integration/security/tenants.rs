use std::collections::HashMap;
use std::fmt::Write as _;

use futures_util::future::join_all;
use reqwest::Client;
use sea_orm::sqlx;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::clients::socket::{Frame, Socket};
use tests::testbed::{Pulsegate, Role, Testbed};
use tokio::time::{Duration, sleep, timeout};

use super::walk::{INTROSPECTION, Schema, Words};
use super::{SECRET, token};

/// In a text of every kind that is theirs.
const TITLE: &str = "비밀이벤트";
const CHANNEL: &str = "비밀채널";
/// The beginning of each of their numbers.
const NUMBER: &str = "777";
/// An update that is not to come does not come within this.
const QUIET: Duration = Duration::from_millis(150);

/// Two users with an event each, and the same but for what marks the second one's.
async fn fill(testbed: &Testbed) {
    let statements = [
        "INSERT INTO event_stats (event_id, event_title, user_id, total_participants, total_views, estimated_roi, \
         target_roi, sales_growth_rate, total_investment, expected_revenue, created_at, revision) VALUES \
         ($1, '이벤트', $2, 2, 20, 1, 1, 1, 1000, 2500, now() AT TIME ZONE 'UTC', 1), \
         ($3, '비밀이벤트', $4, 777001, 777002, 777.03, 777.04, 777.05, 777006, 777007, now() AT TIME ZONE 'UTC', 777008)",
        "INSERT INTO channel_stats (event_id, channel_name, channel_type, impressions, views, clicks, participants, \
         conversions, distribution_cost, likes, comments, shares) VALUES \
         ($1, '우리동네TV', 'TV', 100, 20, 5, 1, 1, 120.50, 0, 0, 0), \
         ($3, '비밀채널', 'SNS', 777011, 777012, 777013, 777014, 777015, 777016.17, 777018, 777019, 777020) \
         ON CONFLICT DO NOTHING",
        "INSERT INTO timeline_data (event_id, timestamp, participants, views, engagement, conversions, \
         cumulative_participants) VALUES \
         ($1, date_trunc('minute', now() AT TIME ZONE 'UTC') - INTERVAL '5 minutes', 2, 3, 4, 5, 2), \
         ($3, date_trunc('minute', now() AT TIME ZONE 'UTC') - INTERVAL '5 minutes', 777021, 777022, 777023, 777024, 777021)",
    ];
    for statement in statements {
        // All take the four, so that they are bound alike.
        let all = format!("WITH given AS (SELECT $1::text, $2::text, $3::text, $4::text) {statement}");
        sqlx::query(sqlx::AssertSqlSafe(all))
            .bind(testbed.id("evt", 0))
            .bind(testbed.id("user", 0))
            .bind(testbed.id("evt", 1))
            .bind(testbed.id("user", 1))
            .execute(testbed.database())
            .await
            .unwrap();
    }
}

/// What a user asks with, and by which name.
struct User {
    token: String,
    http: Client,
    base: String,
}

impl User {
    fn new(gateway: &Pulsegate, name: &str, role: Option<&str>) -> Self {
        Self { token: token(name, role), http: Client::new(), base: gateway.base().to_owned() }
    }

    async fn post(&self, body: &Value) -> String {
        let request = self.http.post(format!("{}/graphql", self.base)).bearer_auth(&self.token);
        request.json(body).send().await.unwrap().text().await.unwrap()
    }

    async fn data(&self, document: &str) -> Value {
        let answer: Value = serde_json::from_str(&self.post(&json!({ "query": document })).await).unwrap();
        answer["data"].clone()
    }

    /// One answer to each document.
    async fn each(&self, documents: &[String]) -> Vec<String> {
        let mut answers = Vec::new();
        for document in documents {
            answers.push(self.post(&json!({ "query": document })).await);
        }
        answers
    }

    async fn batches(&self, documents: &[String]) -> Vec<String> {
        let mut answers = Vec::new();
        for some in documents.chunks(10) {
            let batch: Vec<Value> = some.iter().map(|document| json!({ "query": document })).collect();
            answers.push(self.post(&Value::Array(batch)).await);
        }
        answers
    }

    /// By their hashes; `with` the documents, so that they are known afterwards.
    async fn persisted(&self, documents: &[String], with: bool) -> Vec<String> {
        let mut answers = Vec::new();
        for document in documents {
            let hash = Sha256::digest(document).iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            });
            let mut body =
                json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
            if with {
                body["query"] = document.as_str().into();
            }
            answers.push(self.post(&body).await);
        }
        answers
    }

    /// What comes of all of them at once over one socket, until it is quiet.
    async fn socket(&self, documents: &[String]) -> Vec<String> {
        let mut answers = Vec::new();
        for some in documents.chunks(50) {
            let mut socket = Socket::connect_as(&self.base, &self.token).await.unwrap();
            for (number, document) in some.iter().enumerate() {
                socket.subscribe(&number.to_string(), document, json!({})).await.unwrap();
            }
            let mut open = some.len();
            while open > 0 {
                match timeout(QUIET * 10, socket.next()).await {
                    Ok(Ok(Frame::Next { payload, .. })) => answers.push(payload.to_string()),
                    Ok(Ok(Frame::Error { payload, .. })) => {
                        answers.push(payload.to_string());
                        open -= 1;
                    }
                    Ok(Ok(Frame::Complete { .. })) => open -= 1,
                    Ok(Err(fault)) => panic!("{fault:#}"),
                    Err(_quiet) => break,
                }
            }
        }
        answers
    }

    /// The first piece of each as an event stream.
    async fn events(&self, documents: &[String]) -> Vec<String> {
        let mut answers = Vec::new();
        for document in documents {
            let request = self.http.post(format!("{}/graphql/stream", self.base)).bearer_auth(&self.token);
            let mut response = request.json(&json!({ "query": document })).send().await.unwrap();
            if let Ok(Ok(Some(piece))) = timeout(QUIET * 10, response.chunk()).await {
                answers.push(String::from_utf8_lossy(&piece).into_owned());
            }
        }
        answers
    }
}

/// How many of the answers hold something of the second user's.
fn telling(answers: &[String]) -> usize {
    answers.iter().filter(|answer| tells(answer)).count()
}

fn tells(answer: &str) -> bool {
    // Ids hold random digits, and whoever asks knows them.
    let words = answer.split(|c: char| !c.is_alphanumeric() && c != '.');
    answer.contains(TITLE)
        || answer.contains(CHANNEL)
        || words.into_iter().any(|word| {
            word.starts_with(NUMBER)
                && word.len() >= 6
                && word.chars().all(|c| c.is_ascii_digit() || c == '.')
        })
}

#[track_caller]
fn silent(how: &str, answers: &[String], documents: &[String]) {
    assert!(answers.len() * 10 >= documents.len(), "{how}: {} answers", answers.len());
    if let Some(answer) = answers.iter().find(|answer| tells(answer)) {
        panic!("{how} tells of another user: {answer}\n{documents:#?}");
    }
}

/// What there is to ask about the second user, by the names of arguments and types.
async fn words(testbed: &Testbed, theirs: &User) -> Words {
    let quoted = |text: &str| vec![format!("\"{text}\"")];
    let (event, user) = (testbed.id("evt", 1), testbed.id("user", 1));
    let ids = theirs
        .data(&format!(
            "{{ event(eventId: \"{event}\") {{ id channels {{ id }} }} user(userId: \"{user}\") {{ id }} \
             events(first: 1) {{ pageInfo {{ endCursor startCursor }} }} }}"
        ))
        .await;
    let ids: Vec<String> = ["/event/id", "/event/channels/0/id", "/user/id"]
        .iter()
        .filter_map(|path| ids.pointer(path)?.as_str().map(|id| format!("\"{id}\"")))
        .collect();
    assert!(ids.len() >= 2, "{ids:?}");
    HashMap::from([
        ("eventId", quoted(&event)),
        ("eventIds", quoted(&event)),
        ("userId", quoted(&user)),
        ("userIds", quoted(&user)),
        ("channelName", quoted(CHANNEL)),
        ("id", ids.clone()),
        ("ids", ids),
        ("ID", quoted(&event)),
        ("Int", vec!["10".to_owned()]),
        ("String", vec![format!("\"{TITLE}\""), "\"비밀\"".to_owned()]),
        ("Boolean", vec!["true".to_owned(), "false".to_owned()]),
        ("DateTime", quoted("2030-01-01T00:00:00Z")),
        ("from", quoted("2026-01-01T00:00:00Z")),
        ("Decimal", quoted("0.5")),
        ("Duration", quoted("P1D")),
        ("minInterval", quoted("PT1S")),
        ("last", vec!["\"P1D\"".to_owned(), "10".to_owned()]),
        ("TimeZone", quoted("Asia/Seoul")),
        ("Long", vec!["0".to_owned()]),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_anything_of_another_user_whatever_they_ask() {
    let testbed = Testbed::new().await.unwrap();
    fill(&testbed).await;
    let variables = [
        ("AUTH", "jwt"),
        ("JWT_HS256_SECRET", SECRET),
        ("INTROSPECTION", "on"),
        ("LIMIT_COST", "1000000000"),
        ("LIMIT_TOKENS", "100000"),
        ("LIMIT_BYTES", "1000000"),
    ];
    let gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let (ours, theirs) = (
        User::new(&gateway, &testbed.id("user", 0), None),
        User::new(&gateway, &testbed.id("user", 1), None),
    );
    let admin = User::new(&gateway, &testbed.id("user", 2), Some("admin"));
    let schema = Schema::new(&theirs.data(INTROSPECTION).await);
    let words = words(&testbed, &theirs).await;
    let queries = schema.documents("Query", &words);
    let subscriptions = schema.documents("Subscription", &words);
    let all: Vec<String> = queries.iter().chain(&subscriptions).cloned().collect();
    assert!(queries.len() >= 60 && subscriptions.len() >= 6, "{} {}", queries.len(), subscriptions.len());

    // Cold, then warm with what the other user and an admin have just been told.
    for temperature in ["cold", "warm"] {
        silent(&format!("HTTP, {temperature}"), &ours.each(&queries).await, &queries);
        silent(&format!("a batch, {temperature}"), &ours.batches(&queries).await, &queries[..1]);
        silent(&format!("a socket, {temperature}"), &ours.socket(&all).await, &all);
        silent(&format!("a stream, {temperature}"), &ours.events(&all).await, &all);
        let told = telling(&theirs.each(&queries).await);
        assert!(
            told * 3 > queries.len(),
            "{told} of {} documents tell their own user something",
            queries.len()
        );
        assert!(telling(&admin.each(&queries).await) > 0);
        assert!(telling(&theirs.socket(&subscriptions).await) > 0);
        theirs.persisted(&queries, true).await;
        silent(&format!("hashes, {temperature}"), &ours.persisted(&queries, false).await, &queries);
    }
}

/// Whatever is asked for at once is read in one statement, whoever asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_anything_of_another_user_who_asks_at_the_same_time() {
    const EACH: usize = 20;
    let testbed = Testbed::new().await.unwrap();
    fill(&testbed).await;
    let variables = [("AUTH", "jwt"), ("JWT_HS256_SECRET", SECRET), ("CACHE", "off")];
    let gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let (ours, theirs) = (
        User::new(&gateway, &testbed.id("user", 0), None),
        User::new(&gateway, &testbed.id("user", 1), None),
    );
    let (event, user) = (testbed.id("evt", 1), testbed.id("user", 1));
    // Each another one, so that no two share an answer.
    let events = |number: usize| {
        format!(
            "{{ a{number}: event(eventId: \"{event}\") {{ title channels {{ channelName }} \
               timeline(granularity: HOUR, range: {{ last: \"P1D\" }}) {{ totals {{ views }} }} }} }}"
        )
    };
    let pages = |number: usize| {
        format!(
            "{{ a{number}: user(userId: \"{user}\") {{ events {{ nodes {{ title channels {{ channelName }} }} }} }} }}"
        )
    };
    let documents: Vec<String> = (0..EACH).flat_map(|number| [events(number), pages(number)]).collect();
    let asked = async |who: &User| {
        let bodies: Vec<Value> = documents.iter().map(|document| json!({ "query": document })).collect();
        join_all(bodies.iter().map(|body| who.post(body))).await
    };
    let mut locked = testbed.database().begin().await.unwrap();
    sqlx::query("LOCK TABLE event_stats IN ACCESS EXCLUSIVE MODE").execute(&mut *locked).await.unwrap();
    let unlock = async {
        sleep(QUIET * 4).await;
        locked.rollback().await.unwrap();
    };
    let (ours, theirs, ()) = tokio::join!(asked(&ours), asked(&theirs), unlock);
    silent("another's statement", &ours, &documents);
    assert_eq!(telling(&theirs), documents.len(), "{theirs:#?}");
}
