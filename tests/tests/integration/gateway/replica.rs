//! `DATABASE_READ_URL` with real streaming replication.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use reqwest::Url;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, PgConnection};
use serde_json::json;
use tests::clients::graphql::GraphQl;
use tests::clients::socket::Frame;
use tests::report::{not_for_real, real};
use tests::servers::postgres::{Durability, Postgres, Source};
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;

use super::fill;
use crate::live::register;

const WHAT: &str = "reads from a replica";
const READS: &str = "pulsegate_replica_reads_total";
const QUERY: &str = "
query ($event: ID!) {
  event(eventId: $event) { totalParticipants timeline(granularity: DAY) { totals { participants } } }
}";
const FOLLOW: &str = "subscription ($event: ID!) { eventUpdated(eventId: $event, minInterval: \"PT0.05S\") { event { totalParticipants } } }";
const PATIENCE: Duration = Duration::from_secs(30);

/// PostgreSQL's programs, where replicas can be made with them.
fn programs() -> Result<PathBuf, &'static str> {
    let source = Source::find().unwrap();
    match (Postgres::cannot_follow(&source), source) {
        (None, Source::Binaries(programs)) => Ok(programs),
        (reason, _) => Err(reason.unwrap_or("it is not known how")),
    }
}

/// The same database on another server.
fn on(server: &Postgres, testbed: &Testbed) -> String {
    let name = Url::parse(testbed.database_url()).unwrap();
    server.url(name.path().trim_start_matches('/'))
}

async fn order(server: &Postgres, statement: &str) {
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

/// Both numbers, which are the same.
async fn participants(client: &GraphQl, event: &str) -> i64 {
    let answer = client.data(QUERY, json!({ "event": event })).await.unwrap();
    let event = &answer["event"];
    assert_eq!(event["totalParticipants"], event["timeline"]["totals"]["participants"]);
    event["totalParticipants"].as_i64().unwrap()
}

async fn until_read(gateway: &Pulsegate, client: &GraphQl, event: &str, outcome: &str) {
    let before = gateway.metric(READS, outcome).await.unwrap();
    wait::until(outcome, PATIENCE, async || {
        participants(client, event).await;
        let reads = gateway.metric(READS, outcome).await?;
        Ok(if reads > before { Ok(()) } else { Err(anyhow!("{reads} reads")) })
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_read_for_what_it_has_and_nothing_that_was_told_is_unsaid() {
    let programs = match programs() {
        Ok(programs) => programs,
        Err(reason) => return not_for_real(WHAT, reason),
    };
    let source = Source::Binaries(programs.clone());
    let primary = Postgres::start(&source, Durability::Full).await.unwrap();
    let testbed = Testbed::builder().postgres(&primary).build().await.unwrap();
    let mut replica = primary.replica(&programs).await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let url = on(&replica, &testbed);
    let variables = [("DATABASE_READ_URL", url.as_str()), ("CACHE", "off")];
    let mut gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let client = gateway.graphql().unwrap();
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    until_read(&gateway, &client, &event, "answered").await;

    let mut socket = gateway.socket().await.unwrap();
    socket.subscribe("event", FOLLOW, json!({ "event": event })).await.unwrap();
    let mut told = 0;
    let mut registered = 0;
    let mut fire = async |messages: usize| {
        for _ in 0..messages {
            registered += 1;
            register(&testbed, &event, registered).await;
            while told < i64::try_from(3 + registered).unwrap() {
                let update = match socket.next().await.unwrap() {
                    Frame::Next { payload, .. } => payload,
                    other => panic!("{other:?}"),
                };
                told = update["data"]["eventUpdated"]["event"]["totalParticipants"].as_i64().unwrap();
                assert!(participants(&client, &event).await >= told, "{told} were told before");
            }
        }
    };
    let answered = gateway.metric(READS, "answered").await.unwrap();
    fire(30).await;
    let by_replica = gateway.metric(READS, "answered").await.unwrap() - answered;
    assert!(by_replica > 0, "the replica answered nothing while messages came in");

    order(&replica, "SELECT pg_wal_replay_pause()").await;
    fire(10).await;
    assert!(gateway.metric(READS, "behind").await.unwrap() > 0, "nobody noticed that it is behind");
    order(&replica, "SELECT pg_wal_replay_resume()").await;
    until_read(&gateway, &client, &event, "answered").await;

    replica.freeze().unwrap();
    fire(3).await;
    assert!(gateway.metric(READS, "away").await.unwrap() > 0, "nobody noticed that it hangs");
    replica.thaw().unwrap();
    until_read(&gateway, &client, &event, "answered").await;

    replica.kill().unwrap();
    fire(3).await;
    replica.restart().await.unwrap();
    until_read(&gateway, &client, &event, "answered").await;
    fire(3).await;
    gateway.require_running().unwrap();

    let told = testbed.run(&["check"], &[variables[0], ("HTTP_ADDR", "127.0.0.1:0")]).await.unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("`serve` would read from it"), "{told}");
    // Whoever reads from it by hand finds it used.
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let sessions: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pulsegate' AND datname = current_database()",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(sessions > 0, "no session of the gateway's at the replica");
    real(WHAT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_replica_is_told_and_not_read() {
    let testbed = Testbed::new().await.unwrap();
    let other = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    for (url, reason) in
        [(other.database_url(), "another database"), (testbed.database_url(), "follows no other server")]
    {
        let variables = [("DATABASE_READ_URL", url), ("CACHE", "off")];
        let gateway = testbed.start_with(Role::Serve, &variables).await.unwrap();
        let client = gateway.graphql().unwrap();
        assert_eq!(participants(&client, &event).await, 3, "{reason}");
        until_read(&gateway, &client, &event, "resting").await;
        assert_eq!(gateway.metric(READS, "answered").await.unwrap(), 0, "{reason}");
        let told = testbed
            .run(
                &["check"],
                &[variables[0], ("HTTP_ADDR", "127.0.0.1:0"), ("CONSUMER_HTTP_ADDR", "127.0.0.1:0")],
            )
            .await
            .unwrap();
        let text = String::from_utf8(told.stdout).unwrap();
        assert_eq!(told.status.code(), Some(1), "{text}");
        assert!(text.contains(reason), "{reason} in {text}");
    }
}
