use std::time::Duration;

use sea_orm::sqlx;
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::wait;

use super::fill;

const PAGE: &str =
    "query Page($event: ID!) { event(eventId: $event) { title totalParticipants channels { views } } }";
const LIST: &str =
    "{ events(first: 100, orderBy: { field: PARTICIPANTS }) { nodes { eventId totalParticipants } } }";
const SPENT: &str = "query Spent($event: ID!) { event(eventId: $event) { title } rateLimit { resetAt } }";

/// Lookups of finished answers that ended so.
async fn lookups(gateway: &Pulsegate, outcome: &str) -> u64 {
    let text = reqwest::get(format!("{}/metrics", gateway.base())).await.unwrap().text().await.unwrap();
    let wanted = ["pulsegate_cache_lookups_total{", "level=\"response\"", &format!("outcome=\"{outcome}\"")];
    let line = text.lines().find(|line| wanted.iter().all(|part| line.contains(part)));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// The same question until the answer is `right`.
async fn until(client: &GraphQl, query: &str, variables: Value, right: impl Fn(&Value) -> bool) {
    wait::until("the commit to show", Duration::from_secs(30), async || {
        let answer = client.data(query, variables.clone()).await?;
        Ok(if right(&answer) { Ok(()) } else { Err(anyhow::anyhow!("{answer}")) })
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_answer_is_given_again_until_a_commit_touches_what_it_is_made_of() {
    let testbed = Testbed::new().await.unwrap();
    let ids = fill(&testbed, 2).await;
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let other = testbed.start(Role::Serve).await.unwrap();
    let (client, elsewhere) = (gateway.graphql().unwrap(), other.graphql().unwrap());
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    let (touched, left) = (json!({ "event": ids[0] }), json!({ "event": ids[1] }));

    for (query, variables) in [(PAGE, &touched), (PAGE, &left), (LIST, &json!({}))] {
        let first = client.data(query, variables.clone()).await.unwrap();
        let (hits, before) = (lookups(&gateway, "hit").await, lookups(&gateway, "miss").await);
        assert_eq!(client.data(query, variables.clone()).await.unwrap(), first);
        assert_eq!((lookups(&gateway, "hit").await, lookups(&gateway, "miss").await), (hits + 1, before));
        elsewhere.data(query, variables.clone()).await.unwrap();
    }
    let hits = lookups(&gateway, "hit").await;
    client.data(SPENT, touched.clone()).await.unwrap();
    client.data(SPENT, touched.clone()).await.unwrap();
    assert_eq!(lookups(&gateway, "hit").await, hits, "what is left of a budget is another thing each time");

    let line =
        json!({ "messageId": testbed.id("m", 0), "occurredAt": "2026-01-05T03:30:30Z", "eventId": ids[0] });
    testbed
        .kcat()
        .produce(&testbed.topics().participant_registered, &ids[0], &line.to_string())
        .await
        .unwrap();
    for client in [&client, &elsewhere] {
        until(client, PAGE, touched.clone(), |data| data["event"]["totalParticipants"] == 4).await;
        until(client, LIST, json!({}), |data| data["events"]["nodes"][0]["totalParticipants"] == 4).await;
    }
    // What the commit did not touch is still there: the row is changed behind its back.
    sqlx::query("UPDATE event_stats SET total_participants = 77 WHERE event_id = $1")
        .bind(&ids[1])
        .execute(testbed.database())
        .await
        .unwrap();
    let hits = lookups(&gateway, "hit").await;
    assert_eq!(client.data(PAGE, left.clone()).await.unwrap()["event"]["totalParticipants"], 3);
    assert_eq!(lookups(&gateway, "hit").await, hits + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_ask_the_same_at_once_are_read_for_once_though_nothing_is_kept() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let gateway = testbed.start_with(Role::Serve, &[("CACHE", "off")]).await.unwrap();
    let client = gateway.graphql().unwrap();
    let ask = || client.data(PAGE, json!({ "event": event }));
    ask().await.unwrap();
    let (shared, missed) = (lookups(&gateway, "shared").await, lookups(&gateway, "miss").await);
    let mut writer = testbed.database().begin().await.unwrap();
    sqlx::query("LOCK TABLE event_stats IN ACCESS EXCLUSIVE MODE").execute(&mut *writer).await.unwrap();
    let asked = futures_util::future::try_join_all((0..20).map(|_| ask()));
    let change = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        sqlx::query("UPDATE event_stats SET total_participants = 78").execute(&mut *writer).await.unwrap();
        writer.commit().await.unwrap();
    };
    let (answers, ()) = tokio::join!(asked, change);
    for answer in answers.unwrap() {
        assert_eq!(answer["event"]["totalParticipants"], 78);
    }
    let (shared, missed) =
        (lookups(&gateway, "shared").await - shared, lookups(&gateway, "miss").await - missed);
    // One begins; of those who come while it reads, one reads for all. Who is woken only after that reads once more.
    assert_eq!(shared + missed, 20);
    assert!((2..=5).contains(&missed), "read {missed} times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_with_time_ends_in_time() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    // 90 seconds and the rest of a minute: the first bucket changes in the middle of a minute.
    let query = "query ($event: ID!) { event(eventId: $event) {
        timeline(granularity: MINUTE, range: { last: \"PT90S\" }) { from to points { isPartial } } } }";
    let ask = async || client.data(query, json!({ "event": event })).await.unwrap();
    let first = ask().await;
    assert_eq!(ask().await, first);
    wait::until("the window to move on", Duration::from_secs(90), async || {
        let now = ask().await;
        let moved = now["event"]["timeline"]["from"] != first["event"]["timeline"]["from"];
        Ok(if moved { Ok(()) } else { Err(anyhow::anyhow!("{now}")) })
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_answers_come_as_the_client_likes_them() {
    let testbed = Testbed::new().await.unwrap();
    let ids = fill(&testbed, 40).await;
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let http = reqwest::Client::new();
    let ask = async |encoding: &str, tag: &str| {
        let address = format!("{}/graphql", gateway.base());
        http.get(reqwest::Url::parse_with_params(&address, [("query", LIST)]).unwrap())
            .header("accept-encoding", encoding)
            .header("if-none-match", tag)
            .send()
            .await
            .unwrap()
    };
    let plain = ask("identity", "").await;
    let tag = plain.headers()["etag"].to_str().unwrap().to_owned();
    let length = plain.bytes().await.unwrap().len();
    assert!(length > 40 * ids[0].len());
    for encoding in ["br", "zstd", "gzip"] {
        for _ in 0..2 {
            let answer = ask(encoding, "").await;
            assert_eq!(answer.headers()["content-encoding"], encoding);
            assert_eq!(answer.headers()["etag"], tag.as_str());
            assert!(answer.headers().get_all("vary").iter().any(|vary| vary == "accept-encoding"));
            assert!(answer.bytes().await.unwrap().len() < length / 2);
        }
        assert_eq!(ask(encoding, &tag).await.status(), 304);
    }
}
