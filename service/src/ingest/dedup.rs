//! Which messages have been seen: 128-bit hashes of their ids, kept by the day on which they were first seen.

use std::collections::HashSet;

use chrono::NaiveDate;
use sea_orm::sqlx::{self, PgConnection};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Message, closed_days::Epoch};
use crate::{Error, Service};

/// Guards `installation.seen_on`: shared by every transaction that writes on that day, exclusive for the one that
/// moves the day on. So whoever writes on a day sees all that was written on the days before it, and a message can't
/// slip through at midnight.
const SEEN_ON_LOCK: i64 = 0x7075_6c73_6567_6174;

/// A late participant of a busy event corrects thousands of later buckets: a batch of them takes its time, and cutting
/// it off would only begin it anew.
const STATEMENT_TIMEOUT: &str = "120s";

/// A process that stands still in the middle of a transaction must not hold up those that took over its partitions.
const IDLE_TIMEOUT: &str = "3s";

/// The hash that stands for a message's id. An id that is only a place is good for one generation of the topic.
pub(super) fn hash(message: &Message, cluster_id: &str, generation: i32) -> Uuid {
    let mut digest = Sha256::new();
    match &message.message_id {
        Some(id) => digest.update(id.as_bytes()),
        None => digest.update(format!("\0{cluster_id}\0{generation}\0{}", message.id()).as_bytes()),
    }
    let mut half = [0; 16];
    half.copy_from_slice(&digest.finalize()[..16]);
    Uuid::from_bytes(half)
}

/// Joins the writers of the current day and keeps the transaction's plans to probes by key: what the planner
/// believes of tables that were filled a second ago must not decide how a batch is written.
pub(super) async fn join_day(tx: &mut PgConnection) -> Result<Epoch, Error> {
    sqlx::query(
        "SELECT pg_advisory_xact_lock_shared($1), set_config('enable_hashjoin', 'off', true), \
         set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true), \
         set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true), \
         set_config('statement_timeout', $2, true), set_config('idle_in_transaction_session_timeout', $3, true)",
    )
    .bind(SEEN_ON_LOCK)
    .bind(STATEMENT_TIMEOUT)
    .bind(IDLE_TIMEOUT)
    .execute(&mut *tx)
    .await?;
    Ok(Epoch::read(tx).await?)
}

/// Keeps the ids that nobody has kept before and returns those. The current day is always asked, by the index that keeps
/// its ids apart; closed days are for those that are suspected to have been seen then.
pub(super) async fn keep_new(
    tx: &mut PgConnection,
    seen_on: NaiveDate,
    mut sent: Vec<(Uuid, bool)>,
) -> Result<HashSet<Uuid>, Error> {
    const UNSUSPECTED: &str = "INSERT INTO processed_message (hash, seen_on) \
         SELECT sent.hash, $2 FROM unnest($1::uuid[]) AS sent (hash) \
         ORDER BY sent.hash ON CONFLICT DO NOTHING RETURNING hash";
    // CASE, because what is asked of all days is not to be asked first.
    const SUSPECTED: &str = "INSERT INTO processed_message (hash, seen_on) \
         SELECT sent.hash, $2 FROM unnest($1::uuid[], $3::bool[]) AS sent (hash, suspected) \
         WHERE CASE WHEN sent.suspected \
               THEN (SELECT TRUE FROM processed_message AS seen WHERE seen.hash = sent.hash LIMIT 1) IS NULL \
               ELSE TRUE END \
         ORDER BY sent.hash ON CONFLICT DO NOTHING RETURNING hash";
    // In order, so that two writers who share ids wait for each other instead of deadlocking.
    sent.sort_unstable();
    sent.dedup();
    let hashes: Vec<Uuid> = sent.iter().map(|(hash, _)| *hash).collect();
    let suspected: Vec<bool> = sent.iter().map(|(_, suspected)| *suspected).collect();
    let kept: Vec<Uuid> = if suspected.contains(&true) {
        let query = sqlx::query_scalar(SUSPECTED).bind(&hashes).bind(seen_on);
        query.bind(&suspected).fetch_all(tx).await?
    } else {
        sqlx::query_scalar(UNSUSPECTED).bind(&hashes).bind(seen_on).fetch_all(tx).await?
    };
    Ok(kept.into_iter().collect())
}

impl Service {
    /// Moves the day on, once all that write on the old one have finished.
    pub(super) async fn begin_day(&self, today: NaiveDate) -> Result<(), Error> {
        let mut tx = self.pool().begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SEEN_ON_LOCK).execute(&mut *tx).await?;
        sqlx::query("SELECT ensure_processed_partition($1)").bind(today).execute(&mut *tx).await?;
        sqlx::query("UPDATE installation SET seen_on = $1 WHERE seen_on < $1")
            .bind(today)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
