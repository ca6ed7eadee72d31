//! Recomputing the three tables from their messages.
//!
//! A schema beside the live one holds fresh copies of the tables, filled through the very same [`Service::apply`]. Views
//! in it say what the live tables should hold: what the messages give, and on top of it what only readings of external
//! channels can have brought. Nothing is swapped blindly: rows that differ are replaced in one transaction, while the
//! writers wait at the positions that the fresh copies have reached.

mod difference;
mod repair;
mod schema;

use std::{collections::HashMap, sync::Arc, time::Duration};

use sea_orm::sqlx::{self, Connection as _, PgConnection, Postgres, Transaction};

pub use self::difference::{Change, Difference, Table};
use crate::{Error, Service, Settings, Upkeep, domain::EventId, upkeep};

/// Held by the process that rebuilds.
const LOCK: i64 = 0x72_6562_7569_6c64;
/// The house is kept for a moment every hour, and longer after it was long neglected.
const UPKEEP_TRIES: u32 = 60;
const UPKEEP_PAUSE: Duration = Duration::from_millis(250);

async fn try_lock(connection: &mut PgConnection, lock: i64) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(lock).fetch_one(connection).await?)
}

/// Fresh copies of the tables, for as long as this lives. While it does, no house is kept: rows that are merged or
/// dropped meanwhile would look like differences.
pub struct Rebuild {
    live: Arc<Service>,
    fresh: Arc<Service>,
    /// Its locks go with it, also where the process is killed.
    guard: PgConnection,
}

impl Rebuild {
    /// Makes the fresh, empty tables; what a killed rebuild left behind is dropped. `settings` are those that `live` was
    /// made with, `upkeep` those of the consumer. `None` where another process rebuilds or keeps the house.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin(
        live: Arc<Service>,
        settings: &Settings,
        upkeep: &Upkeep,
    ) -> Result<Option<Self>, Error> {
        // Names this database's entries in the cache, so that they can be taken back.
        live.installation().await?;
        let mut guard = live.pool().acquire().await?.detach();
        if !try_lock(&mut guard, LOCK).await? {
            return Ok(None);
        }
        let mut tries = 1;
        while !try_lock(&mut guard, upkeep::LOCK).await? {
            if tries == UPKEEP_TRIES {
                return Ok(None);
            }
            tries += 1;
            tokio::time::sleep(UPKEEP_PAUSE).await;
        }
        let search_path = schema::make(&mut guard, live.clock().now(), upkeep).await?;
        // No cache: it knows which messages the live tables have, not which of them the fresh ones have.
        let settings = Settings { redis_url: None, ..settings.clone() };
        let fresh = Service::on_path(&settings, Arc::clone(live.clock()), &search_path)?;
        Ok(Some(Self { live, fresh, guard }))
    }

    /// Where messages are applied anew.
    #[must_use]
    pub const fn fresh(&self) -> &Arc<Service> {
        &self.fresh
    }

    /// Whether the live tables hold what came from elsewhere than the present generation of these topics on this
    /// cluster: then their messages don't make up the whole.
    ///
    /// # Errors
    /// What the database says.
    pub async fn has_other_sources(&self, cluster_id: &str, topics: &[Arc<str>]) -> Result<bool, Error> {
        let topics: Vec<&str> = topics.iter().map(AsRef::as_ref).collect();
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM consumer_position \
             WHERE next_offset > 0 AND (generation > 0 OR cluster_id <> $1 OR topic <> ALL($2)))",
        )
        .bind(cluster_id)
        .bind(topics)
        .fetch_one(self.live.pool())
        .await?)
    }

    /// The next events, stored or fresh, in order.
    ///
    /// # Errors
    /// What the database says.
    pub async fn events_after(&self, after: Option<&EventId>, limit: usize) -> Result<Vec<EventId>, Error> {
        let ids: Vec<String> = sqlx::query_scalar(schema::EVENTS_AFTER)
            .bind(after.map_or("", EventId::as_str))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.live.pool())
            .await?;
        Ok(ids.iter().map(|id| EventId::trusted(id)).collect())
    }

    /// Whether the tables, live or fresh, hold anything of an event.
    ///
    /// # Errors
    /// What the database says.
    pub async fn knows(&self, event: &EventId) -> Result<bool, Error> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM event_stats WHERE event_id = $1) \
             OR EXISTS (SELECT FROM pulsegate_rebuild.event_stats WHERE event_id = $1)",
        )
        .bind(event.as_str())
        .fetch_one(self.live.pool())
        .await?)
    }

    /// How many events the messages tell of.
    ///
    /// # Errors
    /// What the database says.
    pub async fn count_events(&self) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM pulsegate_rebuild.event_stats")
            .fetch_one(self.live.pool())
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Where these events' stored rows are not what they should be. While messages are being applied, an event that
    /// they touch may be told without reason, or not be told.
    ///
    /// # Errors
    /// What the database says.
    pub async fn differences(&self, events: &[EventId]) -> Result<Vec<Difference>, Error> {
        let mut connection = self.live.pool().acquire().await?;
        difference::find(&mut connection, events).await
    }

    /// Makes all writers wait until what is returned is committed or dropped.
    ///
    /// # Errors
    /// What the database says; of kind `Transient` where the writers could not be stopped soon enough.
    pub async fn hold(&self) -> Result<Held, Error> {
        let mut tx = self.live.pool().begin().await?;
        // It takes as long as there is to repair, but must not wait for long: writers queue up behind it.
        sqlx::query(
            "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '10s', true)",
        )
        .execute(&mut *tx)
        .await?;
        // Every writer locks rows of it first. A row that is not there yet can't be locked, the table can.
        sqlx::query("LOCK TABLE consumer_position IN EXCLUSIVE MODE").execute(&mut *tx).await?;
        Ok(Held { tx })
    }

    /// Drops the fresh tables.
    ///
    /// # Errors
    /// What the database says; the next rebuild drops them then.
    pub async fn finish(mut self) -> Result<(), Error> {
        self.fresh.pool().close().await;
        schema::drop(&mut self.guard).await?;
        self.guard.close().await?;
        Ok(())
    }
}

/// The live tables, while all writers wait.
pub struct Held {
    tx: Transaction<'static, Postgres>,
}

impl Held {
    /// How far each partition has been applied.
    ///
    /// # Errors
    /// What the database says.
    pub async fn positions(&mut self, cluster_id: &str) -> Result<HashMap<(Arc<str>, i32), i64>, Error> {
        let rows: Vec<(String, i32, i64)> = sqlx::query_as(
            "SELECT topic, partition, next_offset FROM consumer_position WHERE cluster_id = $1",
        )
        .bind(cluster_id)
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows.into_iter().map(|(topic, partition, next)| ((topic.into(), partition), next)).collect())
    }

    /// Where these events' rows are not what they should be. Exact once the fresh tables have reached the positions.
    ///
    /// # Errors
    /// What the database says.
    pub async fn differences(&mut self, events: &[EventId]) -> Result<Vec<Difference>, Error> {
        // What changes rows without being a writer, such as a reading of a channel, waits here.
        repair::lock(&mut self.tx, events).await?;
        difference::find(&mut self.tx, events).await
    }

    /// Makes these events' rows what they should be, and gives each the next revision. `messages` is how many messages
    /// there are: what lost some of them gets a revision beyond any that it can have had.
    ///
    /// # Errors
    /// What the database says.
    pub async fn repair(
        &mut self,
        events: &[EventId],
        messages: i64,
    ) -> Result<Vec<crate::ingest::Commit>, Error> {
        repair::repair(&mut self.tx, events, messages).await
    }

    /// Commits; the writers go on.
    ///
    /// # Errors
    /// What the database says.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }

    /// Takes everything back; the writers go on.
    ///
    /// # Errors
    /// What the database says.
    pub async fn roll_back(self) -> Result<(), Error> {
        Ok(self.tx.rollback().await?)
    }
}
