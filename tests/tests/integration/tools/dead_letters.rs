//! `pulsegate dlq`: what can't be applied is found, shown whole, and counted once when it can be applied after all.

use std::time::Duration;

use anyhow::ensure;
use sea_orm::sqlx;
use serde_json::{Value, json};
use tests::testbed::{Role, Testbed};
use tests::wait;

use super::{assert_ends, stderr, stdout};

const WITHIN: Duration = Duration::from_secs(30);

/// The letters as `dlq list --json` has them, once there are as many.
async fn letters(testbed: &Testbed, count: usize, arguments: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = ["dlq", "list", "--json"].iter().chain(arguments).copied().collect();
    wait::until("the dead letters", WITHIN, async || {
        let output = testbed.run(&arguments, &[]).await?;
        assert_ends(&output, 0);
        let letters: Vec<Value> =
            stdout(&output).lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        Ok((|| {
            ensure!(letters.len() == count, "{} letters", letters.len());
            Ok(letters)
        })())
    })
    .await
    .unwrap()
}

fn text<'a>(letter: &'a Value, field: &str) -> &'a str {
    letter[field].as_str().unwrap()
}

#[tokio::test]
async fn letters_are_listed_shown_and_sent_back() {
    let testbed = Testbed::new().await.unwrap();
    let (topics, kcat) = (testbed.topics(), testbed.kcat());
    let event = testbed.id("evt", 0);
    let participant = json!({
        "occurredAt": "2026-01-05T09:31:12Z", "eventId": event, "participantId": "p-1",
        "channelName": "우리동네TV", "channelType": "TV", "exact": 1.10,
    });
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    let output = testbed.run(&["dlq", "list"], &[]).await.unwrap();
    assert_ends(&output, 0);
    assert_eq!(stdout(&output), "no dead letters\n");

    kcat.produce(&topics.event_created, &event, "{\"eventId\": 새해").await.unwrap();
    letters(&testbed, 1, &[]).await;
    kcat.produce(&topics.event_created, &event, "{\"b\": 1.10, \"a\": []}").await.unwrap();
    letters(&testbed, 2, &[]).await;
    // The row's counter is full, so a good message can't be applied now.
    sqlx::query("INSERT INTO event_stats (event_id, event_title, user_id, total_participants) VALUES ($1, '', '', $2)")
        .bind(&event)
        .bind(i32::MAX)
        .execute(testbed.database())
        .await
        .unwrap();
    kcat.produce(&topics.participant_registered, &event, &participant.to_string()).await.unwrap();
    let all = letters(&testbed, 3, &[]).await;
    let codes: Vec<&str> = all.iter().map(|letter| text(letter, "code")).collect();
    assert_eq!(codes, ["INVALID_JSON", "MISSING_FIELD", "NOT_APPLICABLE"], "the newest is the last");
    assert!(all.iter().all(|letter| text(letter, "key") == event && letter["attempts"] == 1));

    // Chosen.
    assert_eq!(letters(&testbed, 2, &["--topic", &topics.event_created]).await, all[..2]);
    assert_eq!(letters(&testbed, 1, &["--code", "MISSING_FIELD"]).await, all[1..2]);
    assert_eq!(letters(&testbed, 1, &["--limit", "1"]).await, all[2..]);
    let output = testbed.run(&["dlq", "list", "--limit", "2"], &[]).await.unwrap();
    let printed = stdout(&output);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 4, "{printed}");
    assert!(lines[0].starts_with("PLACE") && lines[3] == "1 older ones: --limit shows more", "{printed}");
    let last = &all[2];
    let origin = format!("{}:{}:{}", text(last, "topic"), last["partition"], last["offset"]);
    for cell in [text(last, "place"), &origin, "NOT_APPLICABLE", text(last, "failedAt"), text(last, "error")]
    {
        assert!(lines[2].contains(cell), "{cell} in {}", lines[2]);
    }

    // Whole.
    let output = testbed.run(&["dlq", "show", text(&all[1], "place")], &[]).await.unwrap();
    assert_ends(&output, 0);
    let printed = stdout(&output);
    assert!(printed.contains(&format!("key        {event}\n")), "{printed}");
    assert!(printed.contains("code       MISSING_FIELD\n"), "{printed}");
    assert!(printed.ends_with("\n\n{\n  \"b\": 1.10,\n  \"a\": []\n}\n"), "{printed}");
    let output = testbed.run(&["dlq", "show", text(&all[0], "place")], &[]).await.unwrap();
    assert!(stdout(&output).ends_with("\n\n{\"eventId\": 새해\n"), "{}", stdout(&output));
    let output = testbed.run(&["dlq", "show", "0:9999"], &[]).await.unwrap();
    assert_ends(&output, 1);
    assert!(stderr(&output).starts_with("pulsegate: there is no letter at 0:9999"), "{}", stderr(&output));

    // Sent back, twice: counted once.
    sqlx::query("UPDATE event_stats SET total_participants = 0").execute(testbed.database()).await.unwrap();
    for _ in 0..2 {
        let output = testbed.run(&["dlq", "retry", text(last, "place")], &[]).await.unwrap();
        assert_ends(&output, 0);
        let sent =
            format!("{} sent to {}\nsent 1 of 1 back\n", text(last, "place"), topics.participant_registered);
        assert_eq!(stdout(&output), sent);
    }
    wait::until("the messages to be consumed", WITHIN, async || {
        let lag = testbed.lag().await?;
        Ok((|| {
            ensure!(lag == 0, "{lag} messages are left");
            Ok(())
        })())
    })
    .await
    .unwrap();
    let participants: i32 =
        sqlx::query_scalar("SELECT total_participants FROM event_stats WHERE event_id = $1")
            .bind(&event)
            .fetch_one(testbed.database())
            .await
            .unwrap();
    assert_eq!(participants, 1);

    // What still can't be applied becomes a new letter, once per letter that was sent back.
    let output = testbed.run(&["dlq", "retry", "--code", "MISSING_FIELD"], &[]).await.unwrap();
    assert_ends(&output, 0);
    let again = letters(&testbed, 2, &["--code", "MISSING_FIELD"]).await;
    assert_eq!(again[1]["attempts"], 2);
    let output = testbed.run(&["dlq", "retry", "--all"], &[]).await.unwrap();
    assert_ends(&output, 0);
    assert!(stdout(&output).ends_with("sent 4 of 4 back\n"), "{}", stdout(&output));
    letters(&testbed, 7, &[]).await;
}

/// Producers choose partitions for the same key by different hashes.
#[tokio::test]
async fn a_message_goes_back_to_its_own_partition() {
    const PARTITIONS: u16 = 3;
    let testbed = Testbed::builder().partitions(PARTITIONS).build().await.unwrap();
    let topic = &testbed.topics().participant_registered;
    let _consumer = testbed.start(Role::Consume).await.unwrap();
    for partition in 0..PARTITIONS {
        testbed.kcat().produce_to(topic, partition, "evt-1", "{}").await.unwrap();
    }
    letters(&testbed, 3, &[]).await;
    assert_ends(&testbed.run(&["dlq", "retry", "--all"], &[]).await.unwrap(), 0);
    let mut places: Vec<(u64, u64)> = letters(&testbed, 6, &[])
        .await
        .iter()
        .map(|letter| (letter["attempts"].as_u64().unwrap(), letter["partition"].as_u64().unwrap()))
        .collect();
    places.sort_unstable();
    assert_eq!(places, [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]);

    // One whose partition is no more, or never was, goes by its key.
    for partition in ["7", "-7", "-1"] {
        let origin =
            [format!("x-topic={topic}"), format!("x-partition={partition}"), "x-offset=3".to_owned()];
        let headers: Vec<&str> = origin.iter().map(String::as_str).collect();
        testbed.kcat().produce_with(&testbed.topics().dead_letter, "evt-1", "{}", &headers).await.unwrap();
    }
    let before = testbed.kcat().read(topic).await.unwrap().len();
    assert_ends(&testbed.run(&["dlq", "retry", "--all"], &[]).await.unwrap(), 0);
    assert_eq!(testbed.kcat().read(topic).await.unwrap().len(), before + 9);
}

#[tokio::test]
async fn a_letter_that_does_not_say_where_it_came_from_is_left_and_told() {
    let testbed = Testbed::new().await.unwrap();
    testbed.kcat().produce(&testbed.topics().dead_letter, "k", "{}").await.unwrap();
    let place = letters(&testbed, 1, &[]).await[0]["place"].as_str().unwrap().to_owned();
    let output = testbed.run(&["dlq", "retry", "--all"], &[]).await.unwrap();
    assert_ends(&output, 1);
    assert!(stdout(&output).starts_with(&format!("{place} not sent: ")), "{}", stdout(&output));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert!(testbed.kcat().read(&testbed.topics().event_created).await.unwrap().is_empty());
}

#[tokio::test]
async fn misuse_and_an_absent_kafka_are_told_in_a_line() {
    let testbed = Testbed::new().await.unwrap();
    let misuse = [
        &["dlq"][..],
        &["dlq", "retry"],
        &["dlq", "retry", "--all", "--code", "TOO_LONG"],
        &["dlq", "retry", "17"],
        &["dlq", "list", "--code", "NO_SUCH_CODE"],
        &["dlq", "list", "--limit", "0"],
        &["dlq", "show"],
    ];
    for arguments in misuse {
        let output = testbed.run(arguments, &[]).await.unwrap();
        assert_ends(&output, 2);
        assert_eq!(stderr(&output).lines().count(), 1, "{arguments:?}: {}", stderr(&output));
    }
    for arguments in [&["dlq", "list"][..], &["rebuild"]] {
        let output = testbed.run(arguments, &[("KAFKA_BROKERS", "")]).await.unwrap();
        assert_ends(&output, 2);
        assert!(stderr(&output).starts_with("pulsegate: KAFKA_BROKERS: is not set"), "{}", stderr(&output));
        let output = testbed.run(arguments, &[("KAFKA_BROKERS", "127.0.0.1:1")]).await.unwrap();
        assert_ends(&output, 1);
        assert_eq!(stderr(&output).lines().count(), 1, "{arguments:?}: {}", stderr(&output));
    }
}
