//! `pulsegate rebuild` where Kafka no longer has all messages: nothing is lost.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use sea_orm::sqlx;
use tests::report::not_for_real;
use tests::services::Services;
use tests::testbed::{Role, Testbed};

use super::story::Story;
use super::{assert_ends, stderr, stdout};
use crate::judge::tables;

/// Makes Kafka forget the first messages of a topic's only partition, as its retention does.
async fn forget(testbed: &Testbed, topic: &str, before: i64) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", testbed.brokers()).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, Offset::Offset(before)).unwrap();
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)));
    admin.delete_records(&offsets, &options).await.unwrap();
}

#[tokio::test]
async fn numbers_that_kafka_no_longer_has_are_never_lost() {
    if !Services::shared().await.unwrap().kafka_is_real() {
        return not_for_real(
            "rebuild after Kafka's retention",
            "the mock cluster deletes no records on demand",
        );
    }
    let testbed = Testbed::builder().partitions(1).build().await.unwrap();
    let database = testbed.database();
    let mut story = Story::new(&testbed);
    let start = "2026-01-05T09:00:00Z".parse().unwrap();
    for event in 0..2 {
        story.begin(event, start);
        story.participants(event, start, 20);
    }
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    story.tell().await;
    story.applied().await;
    // Half of event 0's participants are forgotten; event 1's come after them.
    forget(&testbed, &testbed.topics().participant_registered, 10).await;
    for event in 0..2 {
        sqlx::query("UPDATE event_stats SET event_title = '엉뚱한 제목' WHERE event_id = $1")
            .bind(story.event(event))
            .execute(database)
            .await
            .unwrap();
    }
    let wrong = tables::read(database).await;

    for arguments in [&["rebuild"][..], &["rebuild", "--dry-run"], &["rebuild", "--event", &story.event(1)]] {
        let output = testbed.run(arguments, &[]).await.unwrap();
        assert_ends(&output, 1);
        let text = stderr(&output);
        assert!(text.contains("no longer has the beginning") && text.contains("--partial"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    assert_eq!(tables::read(database).await, wrong);

    let output = testbed.run(&["rebuild", "--partial"], &[]).await.unwrap();
    assert_ends(&output, 1);
    let text = stdout(&output);
    assert!(text.contains(&format!("{} is left as it is", story.event(0))), "{text}");
    assert!(text.contains("repaired 1 events"), "{text}");
    let mut expected = story.expected();
    expected.events.get_mut(&story.event(0)).unwrap().title = "엉뚱한 제목".to_owned();
    assert_eq!(tables::differences(&tables::read(database).await, &expected), Vec::<String>::new());
}
