use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sea_orm::sqlx::{self, AssertSqlSafe};

use crate::{Error, Service};

/// The first day that is kept.
pub(crate) fn first_kept(now: DateTime<Utc>, retention: Duration) -> NaiveDate {
    TimeDelta::from_std(retention)
        .ok()
        .and_then(|retention| now.checked_sub_signed(retention))
        .map_or(NaiveDate::MIN, |at| at.date_naive())
}

/// The partition's own name tells its bounds.
fn day_of(partition: &str, prefix: &str, suffix: &str) -> Option<NaiveDate> {
    let digits = format!("{}{suffix}", partition.strip_prefix(prefix)?);
    NaiveDate::parse_from_str(&digits, "%Y_%m_%d").ok()
}

impl Service {
    /// Drops the months that end before the retention begins. Totals and cumulative counts stay as they are.
    pub(super) async fn drop_timeline_before(
        &self,
        now: DateTime<Utc>,
        retention: Duration,
    ) -> Result<(), Error> {
        let kept = first_kept(now, retention);
        self.drop_partitions("timeline_data", |partition| {
            day_of(partition, "timeline_data_", "_01")
                .and_then(|first_day| first_day.checked_add_months(chrono::Months::new(1)))
                .is_some_and(|next_month| next_month <= kept)
        })
        .await
    }

    /// Drops the days on which messages were seen that nobody will send again.
    pub(super) async fn drop_processed_before(
        &self,
        now: DateTime<Utc>,
        retention: Duration,
    ) -> Result<(), Error> {
        let kept = first_kept(now, retention);
        self.drop_partitions("processed_message", |partition| {
            day_of(partition, "processed_message_", "").is_some_and(|day| day < kept)
        })
        .await
    }

    async fn drop_partitions(&self, table: &'static str, is_old: impl Fn(&str) -> bool) -> Result<(), Error> {
        let partitions: Vec<String> = sqlx::query_scalar(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::regclass",
        )
        .bind(table)
        .fetch_all(self.pool())
        .await?;
        for partition in partitions.iter().filter(|partition| is_old(partition)) {
            let mut tx = self.pool().begin().await?;
            // Whoever waits for this lock holds up everybody behind it: rather come again.
            sqlx::query("SET LOCAL lock_timeout = '2s'").execute(&mut *tx).await?;
            // The name is one that this service made: letters, digits and underscores.
            sqlx::query(AssertSqlSafe(format!("DROP TABLE {partition}"))).execute(&mut *tx).await?;
            tx.commit().await?;
            tracing::info!(partition, "dropped what is past its retention");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_known_by_its_name() {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        assert_eq!(day_of("timeline_data_2026_01", "timeline_data_", "_01"), day("2026-01-01"));
        assert_eq!(day_of("timeline_data_default", "timeline_data_", "_01"), None);
        assert_eq!(day_of("processed_message_2026_01_05", "processed_message_", ""), day("2026-01-05"));
    }
}
