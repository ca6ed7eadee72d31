//! What a process remembers of the ids that were seen on days before the current one.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::sqlx;
use tests::servers::postgres::{Durability, Postgres, Source};
use tests::testbed::Testbed;
use tests::wait::until;

use super::{House, instant, participant};

const BEGIN: &str = "2047-06-01T23:00:00Z";

impl House {
    /// How many of these messages count, sent under offsets of their own.
    async fn fresh(&mut self, ids: &[String]) -> usize {
        let mut batch = self.batch(ids.iter().map(|_| participant("evt", instant(BEGIN))));
        for (message, id) in batch.messages.iter_mut().zip(ids) {
            message.message_id = Some(id.clone());
        }
        self.service.apply("cluster", &batch).await.unwrap().fresh
    }

    /// Writes an id into a closed day, as nobody does.
    async fn plant(&self, id: &str) {
        sqlx::query(
            "INSERT INTO processed_message (hash, seen_on) \
             SELECT encode(substring(sha256(convert_to($1, 'UTF8')) FOR 16), 'hex')::uuid, min(seen_on) \
             FROM processed_message",
        )
        .bind(id)
        .execute(self.testbed.database())
        .await
        .unwrap();
    }

    /// Waits until what is written into closed days is not looked for any more.
    async fn until_remembered(&mut self, prefix: &str) {
        for attempt in 0..500 {
            let id = format!("{prefix}-{attempt}");
            self.plant(&id).await;
            if self.fresh(&[id]).await == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("closed days are never remembered");
    }
}

fn ids(day: i64) -> Vec<String> {
    (0..300).map(|number| format!("day-{day}-{number}")).collect()
}

#[tokio::test]
async fn what_was_seen_on_any_earlier_day_is_known_while_closed_days_are_read_and_after_it() {
    let mut house = House::at(BEGIN).await;
    for day in 0..5 {
        house.clock.set(instant(BEGIN) + TimeDelta::days(day));
        assert_eq!(house.fresh(&ids(day)).await, 300);
        // The day before was closed just now, and is not remembered yet or only just.
        for earlier in 0..day {
            assert_eq!(house.fresh(&ids(earlier)).await, 0, "of day {earlier} on day {day}");
        }
        if day > 0 {
            house.until_remembered(&format!("planted-{day}")).await;
        }
        for earlier in 0..=day {
            assert_eq!(house.fresh(&ids(earlier)).await, 0, "of day {earlier} on day {day}");
        }
        let mixed: Vec<String> =
            (0..=day).map(|day| format!("day-{day}-7")).chain([format!("new-{day}")]).collect();
        assert_eq!(house.fresh(&mixed).await, 1);
    }
}

#[tokio::test]
async fn a_server_that_began_anew_is_asked_anew() {
    let mut server = Postgres::start(&Source::find().unwrap(), Durability::Full).await.unwrap();
    let testbed = Testbed::builder().postgres(&server).build().await.unwrap();
    let mut house = House::on(testbed, BEGIN);
    assert_eq!(house.fresh(&ids(0)).await, 300);
    house.clock.set(instant(BEGIN) + TimeDelta::days(1));
    assert_eq!(house.fresh(&ids(1)).await, 300);
    house.until_remembered("planted").await;

    server.kill().unwrap();
    server.restart().await.unwrap();
    house.plant("behind its back").await;
    let mut batch = house.batch([participant("evt", instant(BEGIN))]);
    batch.messages[0].message_id = Some("behind its back".to_owned());
    // Connections of before are found to be broken one by one.
    let applied = until("a connection", Duration::from_secs(20), async || {
        Ok(house.service.apply("cluster", &batch).await.map_err(Into::into))
    });
    assert_eq!(applied.await.unwrap().fresh, 0);
    house.until_remembered("planted again").await;
    assert_eq!(house.fresh(&ids(0)).await + house.fresh(&ids(1)).await, 0);
}
