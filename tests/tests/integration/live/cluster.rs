use std::time::Duration;

use serde_json::json;
use tests::clients::socket::Socket;
use tests::report::{not_for_real, real};
use tests::servers::redis_cluster::RedisCluster;
use tests::testbed::{Role, Testbed};
use tests::wait;
use tokio::time::timeout;

use super::{register, update_of};
use crate::gateway::fill;

const WHAT: &str = "live streams over a Redis cluster";
const CHART: &str = "subscription ($event: ID!) {
  timelineUpdated(eventId: $event, granularity: DAY, minInterval: \"PT0.05S\") { revision totalParticipants }
}";

/// All show so many participants within this time.
async fn show(sockets: &mut [Socket], participants: usize, within: Duration) {
    let shown = async {
        for socket in sockets {
            while update_of(socket, "timelineUpdated").await["totalParticipants"] != participants {}
        }
    };
    timeout(within, shown).await.unwrap_or_else(|_| panic!("{participants} are not shown in time"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_are_told_to_one_shard_and_read_again_where_it_was_away() {
    if let Some(reason) = RedisCluster::missing() {
        return not_for_real(WHAT, reason);
    }
    let mut redis = RedisCluster::start().await.unwrap();
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    let url = redis.url();
    let variables = [("REDIS_URL", url.as_str())];
    let one = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let other = testbed.start_with(Role::Serve, &variables).await.unwrap();
    let _consumer = testbed.start_with(Role::Consume, &variables).await.unwrap();
    let mut sockets = Vec::new();
    for gateway in [&one, &other] {
        let mut socket = gateway.socket().await.unwrap();
        socket.subscribe("chart", CHART, json!({ "event": event })).await.unwrap();
        sockets.push(socket);
    }
    show(&mut sockets, 3, Duration::from_secs(20)).await;
    register(&testbed, &event, 1).await;
    show(&mut sockets, 4, Duration::from_secs(20)).await;

    let node = redis.listened_to("analytics:commits:").await.unwrap();
    redis.kill(node).unwrap();
    register(&testbed, &event, 2).await;
    show(&mut sockets, 5, Duration::from_secs(30)).await;
    redis.restart(node).await.unwrap();
    wait::until("the gateways to listen again", Duration::from_secs(60), async || {
        Ok(redis.listened_to("analytics:commits:").await)
    })
    .await
    .unwrap();
    register(&testbed, &event, 3).await;
    show(&mut sockets, 6, Duration::from_secs(30)).await;
    real(WHAT);
}
