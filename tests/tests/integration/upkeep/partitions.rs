use sea_orm::sqlx;

use super::{House, KEEP, instant, participant};

/// A row of five participants that somebody wrote while the month had no partition.
async fn stray(house: &House, event: &str, timestamp: &str, cumulative: i32) {
    let insert = r#"INSERT INTO timeline_data (event_id, "timestamp", participants, cumulative_participants)
                    VALUES ($1, $2, 5, $3)"#;
    let at = instant(timestamp).naive_utc();
    sqlx::query(insert)
        .bind(event)
        .bind(at)
        .bind(cumulative)
        .execute(house.testbed.database())
        .await
        .unwrap();
}

async fn place(house: &House, event: &str, timestamp: &str) -> String {
    house.row(event, timestamp).await.unwrap().0
}

#[tokio::test]
async fn the_default_partition_is_drained_into_the_right_months() {
    let mut house = House::at("2047-06-15T12:00:00Z").await;
    let rows = [
        // So long ago, or so far ahead, that only a wrong clock can have meant it.
        ("2010-01-01T00:00:00Z", "timeline_data_default", 5),
        ("2044-02-01T00:00:00Z", "timeline_data_2044_02", 10),
        ("2044-02-29T23:59:00Z", "timeline_data_2044_02", 15),
        ("2044-03-01T00:00:00Z", "timeline_data_2044_03", 20),
        ("2060-01-01T00:00:00Z", "timeline_data_default", 25),
    ];
    for (timestamp, _, cumulative) in rows {
        stray(&house, "evt", timestamp, cumulative).await;
        assert_eq!(place(&house, "evt", timestamp).await, "timeline_data_default");
    }
    // The second time there is nothing left to do.
    for _ in 0..2 {
        house.keep(KEEP).await;
        for (timestamp, partition, cumulative) in rows {
            let expected = Some((partition.to_owned(), 5, cumulative));
            assert_eq!(house.row("evt", timestamp).await, expected, "{timestamp}");
        }
    }

    house.say([participant("evt", instant("2044-02-29T23:59:30Z"))]).await;
    let row = house.row("evt", "2044-02-29T23:59:00Z").await;
    assert_eq!(row, Some(("timeline_data_2044_02".to_owned(), 6, 16)));
    let later = house.row("evt", "2044-03-01T00:00:00Z").await;
    assert_eq!(later, Some(("timeline_data_2044_03".to_owned(), 5, 21)));
}

#[tokio::test]
async fn a_batch_for_a_month_that_the_default_partition_caught_makes_that_month() {
    let mut house = House::at("2047-06-15T12:00:00Z").await;
    stray(&house, "evt", "2046-12-31T23:59:00Z", 5).await;
    let applied = house.say([participant("evt", instant("2046-12-31T23:59:59Z"))]).await;
    assert_eq!(applied.fresh, 1);
    let row = house.row("evt", "2046-12-31T23:59:00Z").await;
    assert_eq!(row, Some(("timeline_data_2046_12".to_owned(), 6, 6)));
}

#[tokio::test]
async fn months_are_made_ahead() {
    let house = House::at("2047-11-30T23:59:59Z").await;
    house.keep(KEEP).await;
    let partitions = house.partitions("timeline_data").await;
    let made = |month: &str| partitions.contains(&format!("timeline_data_{month}"));
    for month in ["2047_11", "2047_12", "2048_01", "2048_02"] {
        assert!(made(month), "{month} is not among {partitions:?}");
    }
    assert!(!made("2048_03") && !made("2047_10"), "{partitions:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_and_writing_at_the_same_time_lose_nothing() {
    let mut house = House::at("2047-06-15T12:00:00Z").await;
    let months = ["2045-01", "2045-02", "2045-03", "2045-04", "2045-05", "2045-06"];
    for (month, cumulative) in months.into_iter().zip((5..).step_by(5)) {
        stray(&house, "evt", &format!("{month}-10T00:00:00Z"), cumulative).await;
    }
    let batches: Vec<_> = (0..40)
        .map(|number| {
            let month = months[number % months.len()];
            let at = instant(&format!("{month}-10T00:00:30Z"));
            house.batch([participant("evt", at), participant("evt", instant("2045-03-10T00:00:00Z"))])
        })
        .collect();
    let service = std::sync::Arc::clone(&house.service);
    let writer = tokio::spawn(async move {
        for batch in &batches {
            service.apply("cluster", batch).await.unwrap();
        }
    });
    while !writer.is_finished() {
        house.keep(KEEP).await;
    }
    writer.await.unwrap();
    let stored: Vec<(i32, i32)> = sqlx::query_as(
        r#"SELECT participants, cumulative_participants FROM timeline_data
           WHERE tableoid::regclass::text = 'timeline_data_' || to_char("timestamp", 'YYYY_MM') ORDER BY "timestamp""#,
    )
    .fetch_all(house.testbed.database())
    .await
    .unwrap();
    // 40 batches over 6 months are 7 in the first four and 6 in the last two; 40 participants more are in March.
    assert_eq!(stored, [(12, 12), (12, 24), (52, 76), (12, 88), (11, 99), (11, 110)]);
}
