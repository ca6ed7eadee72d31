use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use sea_orm::sqlx;

use crate::{Error, Service, ingest::Batch};

/// Months that are made before they begin.
const AHEAD: u32 = 3;
/// Months that get a partition of their own, around now. What lies beyond stays in the DEFAULT partition, so that a
/// producer with a wrong clock can't make thousands of tables.
const OWN_BACK: Months = Months::new(5 * 12);
const OWN_AHEAD: Months = Months::new(12);

/// The first day of the month that holds `at`.
pub(crate) fn month(at: NaiveDate) -> NaiveDate {
    at.with_day(1).unwrap_or(at)
}

/// Whether a month gets a partition of its own.
fn has_its_own(first_day: NaiveDate, now: DateTime<Utc>) -> bool {
    let today = now.date_naive();
    let earliest = today.checked_sub_months(OWN_BACK).unwrap_or(NaiveDate::MIN);
    let latest = today.checked_add_months(OWN_AHEAD).unwrap_or(NaiveDate::MAX);
    (month(earliest)..=latest).contains(&first_day)
}

impl Service {
    /// Makes the partitions of the coming months, and those of months that the DEFAULT partition caught.
    pub(super) async fn make_partitions_ahead(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let caught: Vec<NaiveDate> = sqlx::query_scalar(
            r#"SELECT DISTINCT date_trunc('month', "timestamp")::date FROM timeline_data_default"#,
        )
        .fetch_all(self.pool())
        .await?;
        let ahead = (0..=AHEAD).filter_map(|months| now.date_naive().checked_add_months(Months::new(months)));
        let months: BTreeSet<NaiveDate> =
            ahead.map(month).chain(caught).filter(|first_day| has_its_own(*first_day, now)).collect();
        for first_day in months {
            self.ensure_month(first_day).await?;
        }
        Ok(())
    }

    /// Makes the partitions that a batch will write to, before its transaction begins.
    pub(crate) async fn make_partitions_for(&self, batch: &Batch) -> Result<(), Error> {
        let now = self.clock().now();
        let months: BTreeSet<NaiveDate> = batch
            .messages
            .iter()
            .map(|message| month(message.fact.occurred_at().date_naive()))
            .filter(|first_day| has_its_own(*first_day, now) && !self.knows_month(*first_day))
            .collect();
        for first_day in months {
            self.ensure_month(first_day).await?;
            self.note_month(first_day);
        }
        Ok(())
    }

    async fn ensure_month(&self, first_day: NaiveDate) -> Result<(), Error> {
        let made: bool = sqlx::query_scalar("SELECT ensure_timeline_partition($1)")
            .bind(first_day)
            .fetch_one(self.pool())
            .await?;
        if made {
            tracing::info!(month = %first_day.format("%Y-%m"), "made a partition of the timeline");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_months_around_now_have_partitions_of_their_own() {
        let now = "2026-01-31T12:00:00Z".parse().unwrap();
        let own = |text: &str| has_its_own(text.parse().unwrap(), now);
        assert!(own("2026-01-01") && own("2021-01-01") && own("2027-01-01"));
        assert!(!own("2020-12-01") && !own("2027-02-01") && !own("0001-01-01"));
    }
}
