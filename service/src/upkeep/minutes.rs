use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sea_orm::sqlx;

use crate::{Error, Service};

/// Events merged in one transaction: small, so that writers never wait long.
const EVENTS: i64 = 20;

/// Every offset in use is a multiple of 15 minutes, so hours and all that is coarser stay exact in every zone.
fn quarter() -> TimeDelta {
    TimeDelta::minutes(15)
}

/// Events with rows before the cutoff that begin within a quarter of an hour.
const UNMERGED: &str = r#"
SELECT DISTINCT event_id FROM timeline_data
WHERE "timestamp" < $1 AND "timestamp" <> date_bin('15 minutes', "timestamp", 'epoch')
  AND event_id > $2
ORDER BY event_id LIMIT $3"#;

const MERGE: &str = r#"
WITH taken AS (
    DELETE FROM timeline_data WHERE event_id = ANY($1) AND "timestamp" < $2 AND
        (event_id, date_bin('15 minutes', "timestamp", 'epoch')) IN (
            SELECT event_id, date_bin('15 minutes', "timestamp", 'epoch') FROM timeline_data
            WHERE event_id = ANY($1) AND "timestamp" < $2
              AND "timestamp" <> date_bin('15 minutes', "timestamp", 'epoch'))
    RETURNING *
)
SELECT event_id, date_bin('15 minutes', "timestamp", 'epoch'), sum(participants)::int, sum(views)::int,
       sum(engagement)::int, sum(conversions)::int, max(cumulative_participants), min(created_at), max(updated_at)
FROM taken GROUP BY 1, 2"#;

const PUT_BACK: &str = r#"
INSERT INTO timeline_data (event_id, "timestamp", participants, views, engagement, conversions,
                           cumulative_participants, created_at, updated_at)
SELECT * FROM unnest($1::text[], $2::timestamp[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[],
                     $8::timestamp[], $9::timestamp[])
ORDER BY 1, 2"#;

type Quarter =
    (String, chrono::NaiveDateTime, i32, i32, i32, i32, i32, chrono::NaiveDateTime, chrono::NaiveDateTime);

impl Service {
    /// Merges the minutes before `cutoff` into quarters of an hour. Late participants may still arrive for any time;
    /// their minutes are merged next time.
    pub(super) async fn merge_minutes(&self, cutoff: DateTime<Utc>) -> Result<(), Error> {
        let cutoff = cutoff.naive_utc();
        let cutoff = cutoff.duration_trunc(quarter()).unwrap_or(cutoff);
        let mut after = String::new();
        loop {
            let events: Vec<String> = sqlx::query_scalar(UNMERGED)
                .bind(cutoff)
                .bind(&after)
                .bind(EVENTS)
                .fetch_all(self.pool())
                .await?;
            let Some(last) = events.last() else { return Ok(()) };
            after.clone_from(last);
            let mut tx = self.pool().begin().await?;
            // The same locks in the same order as a writer's: nobody counts while rows are on the move.
            sqlx::query(
                "SELECT event_id FROM event_stats WHERE event_id = ANY($1) ORDER BY event_id FOR UPDATE",
            )
            .bind(&events)
            .execute(&mut *tx)
            .await?;
            // Two statements: what the first one deletes, the second one's unique index must see as gone.
            let quarters: Vec<Quarter> =
                sqlx::query_as(MERGE).bind(&events).bind(cutoff).fetch_all(&mut *tx).await?;
            let mut query = sqlx::query(PUT_BACK)
                .bind(quarters.iter().map(|quarter| quarter.0.as_str()).collect::<Vec<_>>())
                .bind(quarters.iter().map(|quarter| quarter.1).collect::<Vec<_>>());
            for counter in [
                |quarter: &Quarter| quarter.2,
                |quarter: &Quarter| quarter.3,
                |quarter: &Quarter| quarter.4,
                |quarter: &Quarter| quarter.5,
                |quarter: &Quarter| quarter.6,
            ] {
                query = query.bind(quarters.iter().map(counter).collect::<Vec<_>>());
            }
            query
                .bind(quarters.iter().map(|quarter| quarter.7).collect::<Vec<_>>())
                .bind(quarters.iter().map(|quarter| quarter.8).collect::<Vec<_>>())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            tracing::debug!(events = events.len(), quarters = quarters.len(), "merged old minutes");
        }
    }
}
