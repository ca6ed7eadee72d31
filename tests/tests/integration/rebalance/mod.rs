//! Members of the group come, go, die and stand still, on a real broker: every partition is served all the time, and
//! nothing is lost or counted twice.

mod served;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use service::fault::Boundary;
use tests::report::not_for_real;
use tests::services::Services;
use tests::testbed::{Pulsegate, Role, Testbed};
use tests::{unique, wait};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use self::served::Served;
use crate::judge::{reference, tables};
use crate::torture::broker::Sender;
use crate::torture::messages::{self, Message};
use crate::torture::said;

const PARTITIONS: u16 = 12;
const MESSAGES: usize = 24_000;
/// Records that are sent at a time, several to each partition.
const PORTION: usize = 36;
const PAUSE: Duration = Duration::from_millis(100);
/// How long a partition may lie unserved beyond a session that has to end first. Half of it is what is promised; the rest
/// is for the tests that run beside this one.
const UNSERVED: Duration = Duration::from_secs(10);
/// After which a member that says nothing has left; the least that brokers allow by default.
const SESSION: Duration = Duration::from_secs(6);
/// The same where brokers allow it.
const SHORT_SESSION: Duration = Duration::from_secs(3);
const THROUGH_WITHIN: Duration = Duration::from_secs(60);
const SETTLED_WITHIN: Duration = Duration::from_secs(30);

/// A group at work while somebody produces.
struct Group {
    testbed: Testbed,
    produced: JoinHandle<(Vec<Message>, usize)>,
    stop: Arc<AtomicBool>,
}

impl Group {
    async fn new() -> Option<Self> {
        if !Services::shared().await.unwrap().kafka_is_real() {
            not_for_real("rebalances", "librdkafka's mock cluster is no judge of them");
            return None;
        }
        let testbed = Testbed::builder().partitions(PARTITIONS).build().await.unwrap();
        let seed = unique::number();
        println!("seed {seed}");
        // Groups share a thread: whoever computes on it lets the others' answers time out.
        let all = spawn_blocking(move || messages::generate(seed, MESSAGES)).await.unwrap();
        let mut sender = Sender::new(testbed.brokers(), testbed.topics());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let produced = tokio::spawn(async move {
            let mut sent = 0;
            while !stopped.load(Ordering::SeqCst) && sent + PORTION <= all.len() {
                sender.send(&all[sent..sent + PORTION]).await;
                sent += PORTION;
                sleep(PAUSE).await;
            }
            (all, sent)
        });
        Some(Self { testbed, produced, stop })
    }

    async fn member(&self, fault: &str) -> Pulsegate {
        self.member_for(SESSION, fault).await
    }

    /// A member that is given up after `session` without a word of it.
    async fn member_for(&self, session: Duration, fault: &str) -> Pulsegate {
        let session = session.as_millis().to_string();
        let variables = [
            ("TIMELINE_MINUTE_DAYS", "0"),
            ("PULSEGATE_FAULT", fault),
            ("KAFKA_SESSION_TIMEOUT_MS", session.as_str()),
        ];
        self.testbed.start_with(Role::Consume, &variables).await.unwrap()
    }

    /// The shortest session that the brokers allow, but no shorter than [`SHORT_SESSION`].
    async fn short_session(&self) -> Duration {
        let client: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", self.testbed.brokers()).create().unwrap();
        let id = client.inner().fetch_metadata(None, SETTLED_WITHIN).unwrap().brokers()[0].id();
        let broker = [ResourceSpecifier::Broker(id)];
        let answers = client.describe_configs(&broker, &AdminOptions::new()).await.unwrap();
        let config = answers.into_iter().next().unwrap().unwrap();
        let shortest = config.get("group.min.session.timeout.ms").and_then(|entry| entry.value.as_deref());
        SHORT_SESSION.max(Duration::from_millis(shortest.unwrap().parse().unwrap()))
    }

    /// Stops producing, waits until all is read, and compares.
    async fn finish(self, members: &mut [Pulsegate]) {
        self.stop.store(true, Ordering::SeqCst);
        let (messages, sent) = self.produced.await.unwrap();
        wait::until("the group to be through", THROUGH_WITHIN, async || {
            for member in &mut *members {
                member.require_running()?;
            }
            Ok(match self.testbed.lag().await {
                Ok(0) => Ok(()),
                Ok(lag) => Err(anyhow!("{lag} messages are left")),
                Err(error) => Err(error),
            })
        })
        .await
        .unwrap();
        let expected = reference::recompute(messages[..sent].iter().filter_map(said));
        let differences = tables::differences(&tables::read(self.testbed.database()).await, &expected);
        assert!(differences.is_empty(), "{} rows differ: {:#?}", differences.len(), differences.first());
        println!("{sent} messages");
    }
}

/// Waits until so many members share the partitions of all topics.
async fn settled(members: &[&Pulsegate]) {
    let all = i64::from(PARTITIONS) * 3;
    wait::until("the group to settle", SETTLED_WITHIN, async || {
        let mut owned = 0;
        for member in members {
            let assigned = member.metric("pulsegate_consumer_assigned_partitions", "").await?;
            if assigned == 0 {
                return Ok(Err(anyhow!("one of them has no partition")));
            }
            owned += assigned;
        }
        Ok(if owned == all { Ok(()) } else { Err(anyhow!("{owned} of {all} partitions have an owner")) })
    })
    .await
    .unwrap();
}

async fn replayed(member: &Pulsegate) -> i64 {
    member.metric("pulsegate_consumer_messages_total", "replayed").await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_come_and_go_hand_partitions_over_without_a_gap() {
    let Some(group) = Group::new().await else { return };
    let first = group.member("").await;
    settled(&[&first]).await;
    let served = Served::watch(&group.testbed);
    let mut second = group.member("").await;
    settled(&[&first, &second]).await;
    let third = group.member("").await;
    settled(&[&first, &second, &third]).await;
    assert!(second.terminate().unwrap().success());
    settled(&[&first, &third]).await;
    second.restart().await.unwrap();
    settled(&[&first, &second, &third]).await;
    let longest = served.longest().await;
    println!("members came and went: no partition unserved for more than {longest:.1?}");
    assert!(longest <= UNSERVED, "a partition was not served for {longest:?}");
    let mut members = [first, second, third];
    // What was under way was finished, and Kafka told of it, before a partition was given up.
    for member in &members {
        assert_eq!(replayed(member).await, 0, "{}", member.log().unwrap());
    }
    group.finish(&mut members).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_dies_is_replaced_as_soon_as_its_session_is_over() {
    let Some(group) = Group::new().await else { return };
    let session = group.short_session().await;
    let (mut first, second) = tokio::join!(group.member_for(session, ""), group.member_for(session, ""));
    settled(&[&first, &second]).await;
    let served = Served::watch(&group.testbed);
    for _ in 0..2 {
        first.kill().unwrap();
        sleep(session).await;
        settled(&[&second]).await;
        first.restart().await.unwrap();
        settled(&[&first, &second]).await;
    }
    let longest = served.longest().await;
    println!(
        "members were killed, with a session of {session:?}: no partition unserved for more than {longest:.1?}"
    );
    assert!(longest <= session + UNSERVED, "a partition was not served for {longest:?}");
    group.finish(&mut [first, second]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zombie_with_a_batch_in_hand_does_no_harm() {
    // Side by side, because they sleep most of the time, but each in a group of its own: of several in one, each may
    // wait for rows that another one holds until PostgreSQL ends its transaction.
    let boundaries = [
        Boundary::Fetched,
        Boundary::BeforeApply,
        Boundary::BeforeCommit,
        Boundary::AfterCommit,
        Boundary::BeforeOffsetCommit,
    ];
    futures_util::future::join_all(boundaries.map(stand_still)).await;
}

async fn stand_still(boundary: Boundary) {
    let Some(group) = Group::new().await else { return };
    let session = group.short_session().await;
    let passage = StdRng::seed_from_u64(unique::number()).random_range(3..10);
    let healthy = group.member_for(session, "").await;
    settled(&[&healthy]).await;
    let served = Served::watch(&group.testbed);
    let member = zombie(&group, session, boundary, passage).await;
    let longest = served.longest().await;
    println!(
        "a member stood still at {}, with a session of {session:?}: no partition unserved for more than {longest:.1?}",
        boundary.name()
    );
    assert!(longest <= session + UNSERVED, "{boundary:?}: a partition was not served for {longest:?}");
    settled(&[&healthy, &member]).await;
    group.finish(&mut [healthy, member]).await;
}

/// A member that is stopped at a boundary for longer than its session, and then goes on from there.
async fn zombie(group: &Group, session: Duration, boundary: Boundary, passage: u32) -> Pulsegate {
    let fault = format!("halt:{}:{passage}", boundary.name());
    let mut member = group.member_for(session, &fault).await;
    wait::until("the member to stand still", SETTLED_WITHIN, async || {
        member.require_running()?;
        let stands = member.log()?.contains("standing still, as PULSEGATE_FAULT says");
        Ok(if stands { Ok(()) } else { Err(anyhow!("it has not come to {boundary:?}")) })
    })
    .await
    .unwrap();
    member.freeze().unwrap();
    sleep(session + Duration::from_secs(3)).await;
    member.thaw().unwrap();
    member
}
