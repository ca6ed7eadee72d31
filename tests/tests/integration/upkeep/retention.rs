use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::sqlx;
use service::Upkeep;

use super::{DAY, House, KEEP, described, instant, participant};

const MONTHS: [&str; 6] = ["2047_01", "2047_02", "2047_03", "2047_04", "2047_05", "2047_06"];

async fn months(house: &House) -> Vec<String> {
    let partitions = house.partitions("timeline_data").await;
    MONTHS
        .iter()
        .filter(|month| partitions.contains(&format!("timeline_data_{month}")))
        .map(ToString::to_string)
        .collect()
}

#[tokio::test]
async fn retention_drops_whole_months_and_nothing_else() {
    let mut house = House::at("2047-06-20T12:00:00Z").await;
    house.say([described("evt", instant("2047-01-01T00:00:00Z"))]).await;
    for month in MONTHS {
        let day = month.replace('_', "-");
        house.say([participant("evt", instant(&format!("{day}-20T09:00:30Z")))]).await;
    }
    house.keep(KEEP).await;
    assert_eq!(months(&house).await, MONTHS, "off by default");

    // Kept from April 21 on: March has ended before that, April has not.
    let settings = Upkeep { timeline_retention: Some(Duration::from_secs(60 * DAY)), ..KEEP };
    for _ in 0..2 {
        house.keep(settings).await;
        assert_eq!(months(&house).await, MONTHS[3..]);
        let (participants, rows): (i32, i64) = sqlx::query_as(
            "SELECT total_participants, (SELECT count(*) FROM timeline_data) FROM event_stats",
        )
        .fetch_one(house.testbed.database())
        .await
        .unwrap();
        assert_eq!((participants, rows), (6, 3));
        let april = house.row("evt", "2047-04-20T09:00:00Z").await;
        assert_eq!(april, Some(("timeline_data_2047_04".to_owned(), 1, 4)));
    }

    // One who comes late for a month that is gone still counts where sums are kept.
    house.say([participant("evt", instant("2047-02-20T09:00:30Z"))]).await;
    let june = house.row("evt", "2047-06-20T09:00:00Z").await;
    assert_eq!(june, Some(("timeline_data_2047_06".to_owned(), 1, 7)));
    house.keep(settings).await;
    house.keep(settings).await;
    assert_eq!(months(&house).await, MONTHS[3..]);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM timeline_data")
        .fetch_one(house.testbed.database())
        .await
        .unwrap();
    assert_eq!(rows, 3);
}

#[tokio::test]
async fn ids_of_messages_are_dropped_by_the_day_on_which_they_were_seen() {
    let mut house = House::at("2047-06-01T23:00:00Z").await;
    let settings = Upkeep { processed_retention: Duration::from_secs(3 * DAY), ..KEEP };
    let first = instant("2047-06-01T23:00:00Z");
    let mut batches = Vec::new();
    for day in 0..5 {
        house.clock.set(first + TimeDelta::days(day));
        let mut batch = house.batch([participant("evt", first)]);
        batch.messages[0].message_id = Some(format!("day-{day}"));
        assert_eq!(house.service.apply("cluster", &batch).await.unwrap().fresh, 1);
        batches.push(batch);
    }
    let days = |days: &[&str]| -> Vec<String> {
        days.iter().map(|day| format!("processed_message_2047_06_{day}")).collect()
    };
    let kept = async |house: &House| -> Vec<String> {
        let mut partitions = house.partitions("processed_message").await;
        partitions.retain(|partition| partition.contains("_2047_"));
        partitions
    };
    assert_eq!(kept(&house).await, days(&["01", "02", "03", "04", "05"]));
    house.keep(settings).await;
    assert_eq!(kept(&house).await, days(&["02", "03", "04", "05"]));
    house.clock.set(first + TimeDelta::days(5));
    house.keep(settings).await;
    assert_eq!(kept(&house).await, days(&["03", "04", "05"]));

    // Sent again under other offsets: what was seen within the retention is known, on whatever day.
    let mut fresh = Vec::new();
    for batch in &batches {
        let mut again = house.batch([batch.messages[0].fact.clone()]);
        again.messages[0].message_id.clone_from(&batch.messages[0].message_id);
        fresh.push(house.service.apply("cluster", &again).await.unwrap().fresh);
    }
    assert_eq!(fresh, [1, 1, 0, 0, 0]);
}
