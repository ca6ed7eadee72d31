//! Housekeeping: partitions ahead of time, old minutes merged, what is past its retention dropped.
//!
//! Any number of processes may run it; a lock in the database sees to it that one works at a time. Every step can be
//! cut off anywhere and done again.

mod minutes;
mod partitions;
mod retention;

use std::{sync::Arc, time::Duration};

use sea_orm::sqlx;
use tokio_util::sync::CancellationToken;

pub(crate) use self::{partitions::month, retention::first_kept};
use crate::{Error, Service};

/// How often the house is kept.
const INTERVAL: Duration = Duration::from_secs(3600);
/// The same where somebody has asked for minutes to be merged and waits to see it.
const EAGER_INTERVAL: Duration = Duration::from_secs(60);
/// How soon it is tried again after it could not be done.
const RETRY: Duration = Duration::from_secs(30);
/// Held by the process that works.
pub(crate) const LOCK: i64 = 0x7570_6b65_6570;

/// What is kept and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upkeep {
    /// Age in days at which minute rows are merged into 15-minute rows; 0 = never.
    pub minute_days: u32,
    /// Merge from the start and every minute. Else the first hour of a process is left to catching up: a topic that is
    /// read from its beginning brings old minutes by the thousand, and merging what is still coming in is work twice.
    pub merge_eagerly: bool,
    /// Age at which a month of the timeline is dropped; `None` = never.
    pub timeline_retention: Option<Duration>,
    /// Age at which the ids of processed messages are dropped.
    pub processed_retention: Duration,
}

impl Service {
    /// Keeps the house until `stop`.
    pub async fn keep_house(self: Arc<Self>, settings: Upkeep, stop: CancellationToken) {
        let interval = if settings.merge_eagerly { EAGER_INTERVAL } else { INTERVAL };
        let mut due =
            Upkeep { minute_days: if settings.merge_eagerly { settings.minute_days } else { 0 }, ..settings };
        loop {
            let pause = match self.keep_house_once(&due).await {
                Ok(()) => interval,
                Err(error) => {
                    tracing::warn!(error = %Report(&error), "housekeeping is put off");
                    RETRY
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if pause == interval {
                due = settings;
            }
        }
    }

    /// Does all that is due. Returns at once where another process is at it.
    ///
    /// # Errors
    /// What the database says; what was done until then stays done.
    pub async fn keep_house_once(&self, settings: &Upkeep) -> Result<(), Error> {
        // The lock belongs to this connection: where the process dies, it is free.
        let mut guard = self.pool().acquire().await?;
        let mine: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut *guard).await?;
        if !mine {
            return Ok(());
        }
        let outcome = self.work(settings).await;
        sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(&mut *guard).await?;
        outcome
    }

    async fn work(&self, settings: &Upkeep) -> Result<(), Error> {
        let now = self.clock().now();
        self.make_partitions_ahead(now).await?;
        if settings.minute_days > 0 {
            self.merge_minutes(now - chrono::TimeDelta::days(i64::from(settings.minute_days))).await?;
        }
        if let Some(retention) = settings.timeline_retention {
            self.drop_timeline_before(now, retention).await?;
        }
        self.drop_processed_before(now, settings.processed_retention).await
    }
}

/// An error with its causes, in one line.
struct Report<'a>(&'a Error);

impl std::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut cause: Option<&dyn std::error::Error> = Some(self.0);
        let mut separator = "";
        while let Some(error) = cause {
            write!(f, "{separator}{error}")?;
            separator = ": ";
            cause = error.source();
        }
        Ok(())
    }
}
