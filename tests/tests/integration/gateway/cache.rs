use anyhow::anyhow;
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use sea_orm::sqlx;
use serde_json::{Value, json};
use tests::servers::redis::{self as server, Redis};
use tests::testbed::{Role, Testbed};
use tests::wait;

use super::fill;

const QUERY: &str = "
query ($event: ID!, $user: ID!) {
  event(eventId: $event) {
    totalParticipants roi { distributionCost } channels { participants }
    channel(channelName: \"우리동네TV\") { views }
    timeline(granularity: HOUR) { totals { participants } }
  }
  user(userId: $user) { totalParticipants }
}";
const ROI_ONLY: &str = "query ($event: ID!) { event(eventId: $event) { roi { distributionCost } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_live_under_the_keys_of_the_specification_until_a_commit() {
    let testbed = Testbed::new().await.unwrap();
    let ids = fill(&testbed, 2).await;
    let (event, user) = (&ids[0], testbed.id("user", 0));
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let client = gateway.graphql().unwrap();
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    let variables = json!({ "event": event, "user": user });
    client.data(ROI_ONLY, json!({ "event": event })).await.unwrap();
    let first = client.data(QUERY, variables.clone()).await.unwrap();
    assert_eq!(first["event"]["totalParticipants"], 3);

    let mut redis = connection(&testbed).await;
    let keys: Vec<String> = redis.keys("analytics:*").await.unwrap();
    for key in [
        format!("analytics:dashboard:{{{event}}}"),
        format!("analytics:roi:{{{event}}}"),
        format!("analytics:channel:{{{event}}}:{{우리동네TV}}"),
        format!("analytics:user:{{{user}}}"),
    ] {
        assert!(keys.contains(&key), "{key} is not among {keys:#?}");
        let ttl: i64 = redis.ttl(&key).await.unwrap();
        assert!((1..=3600).contains(&ttl), "{key} lives {ttl} s");
    }
    let timeline = format!("analytics:timeline:{{{event}}}:{{HOUR}}:UTC:");
    assert!(keys.iter().any(|key| key.starts_with(&timeline)), "{timeline} is not among {keys:#?}");

    // What a cache holds is what is answered: the row is changed behind its back.
    sqlx::query("UPDATE event_stats SET total_participants = 77 WHERE event_id = $1")
        .bind(event)
        .execute(testbed.database())
        .await
        .unwrap();
    assert_eq!(client.data(QUERY, variables.clone()).await.unwrap(), first);

    // A commit ends every entry that was made of the event.
    let line = json!({ "messageId": testbed.id("m", 0), "occurredAt": "2026-01-05T03:30:30Z", "eventId": event,
                       "channelName": "우리동네TV", "channelType": "TV" });
    testbed.kcat().produce(&testbed.topics().participant_registered, event, &line.to_string()).await.unwrap();
    wait::until("the commit to show", std::time::Duration::from_secs(30), async || {
        let answer = client.data(QUERY, variables.clone()).await?;
        Ok(if answer["event"]["totalParticipants"] == 78 { Ok(answer) } else { Err(anyhow!("{answer}")) })
    })
    .await
    .map(|answer| {
        assert_eq!(answer["user"]["totalParticipants"], 81);
        assert_eq!(answer["event"]["timeline"]["totals"]["participants"], 4);
        assert_eq!(answer["event"]["channels"][0]["participants"], 2);
    })
    .unwrap();
}

async fn connection(testbed: &Testbed) -> MultiplexedConnection {
    let client = redis::Client::open(testbed.redis_url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_falls_back_to_what_it_held_before_is_not_believed() {
    let mut server = Redis::start(server::Source::find().unwrap()).await.unwrap();
    let testbed = Testbed::builder().redis(&server).build().await.unwrap();
    let event = &fill(&testbed, 1).await[0];
    let variables = json!({ "event": event, "user": testbed.id("user", 0) });
    let mut consumer = testbed.start(Role::Consume).await.unwrap();
    let asked = async || -> anyhow::Result<Value> {
        // A process that has heard of nothing: all that it can know is in Redis and in the database.
        let gateway = testbed.start(Role::Serve).await?;
        gateway.graphql()?.data(QUERY, variables.clone()).await
    };
    let former = asked().await.unwrap();
    assert_eq!(former["user"]["totalParticipants"], 3);

    // As a replica that lagged holds it, or a snapshot.
    let mut redis = connection(&testbed).await;
    let keys: Vec<String> = redis.keys("analytics:*").await.unwrap();
    assert!(keys.iter().any(|key| key.starts_with("analytics:user:")), "{keys:?}");
    let mut held: Vec<(String, Vec<u8>)> = Vec::new();
    for key in keys {
        let value = redis::cmd("DUMP").arg(&key).query_async(&mut redis).await.unwrap();
        held.push((key, value));
    }

    let line = json!({ "messageId": testbed.id("m", 0), "occurredAt": "2026-01-05T03:30:30Z", "eventId": event,
                       "channelName": "우리동네TV", "channelType": "TV" });
    testbed.kcat().produce(&testbed.topics().participant_registered, event, &line.to_string()).await.unwrap();
    wait::until("the commit to show", std::time::Duration::from_secs(30), async || {
        let answer = asked().await?;
        Ok(if answer["user"]["totalParticipants"] == 4 { Ok(()) } else { Err(anyhow!("{answer}")) })
    })
    .await
    .unwrap();

    consumer.kill().unwrap();
    server.kill().unwrap();
    server.restart().await.unwrap();
    let mut redis = connection(&testbed).await;
    for (key, value) in &held {
        let restored = redis::cmd("RESTORE").arg(key).arg(600_000).arg(value).query_async(&mut redis).await;
        let () = restored.unwrap();
    }
    let answer = asked().await.unwrap();
    assert_eq!(answer["user"]["totalParticipants"], 4, "{answer}");
    assert_eq!(answer["event"]["totalParticipants"], 4, "{answer}");
}
