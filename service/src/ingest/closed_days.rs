//! The ids of messages that were seen on days before the current one, as filters in memory.
//!
//! Each of thirty days has an index of its own, and to look for an id in all of them costs several times as much as all
//! else that a message costs. A closed day changes no more. So a message that no filter knows was not seen on any of them,
//! and only the current day has to be asked; of one that a filter knows, which is seldom by mistake, all days are.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, NaiveDate, Utc};
use fastbloom::BloomFilter;
use futures_util::TryStreamExt as _;
use sea_orm::sqlx::{self, PgConnection, PgPool};
use tokio::time::timeout;
use uuid::Uuid;

use crate::Error;

/// Ids of closed days at most: their filters take some 20 bits for each.
const MOST_IDS: usize = 16_000_000;
/// How often a filter knows an id that it was not given.
const MISTAKES: f64 = 0.000_1;
/// One filter more comes with each day; beyond so many all days are read anew, without those that were dropped.
const MOST_FILTERS: usize = 40;
/// Reading them may take its time.
const STATEMENT_TIMEOUT: &str = "300s";
/// The same where the server does not say anything any more.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long to wait after reading has failed.
const PAUSE: Duration = Duration::from_secs(5);

/// What is known of closed days holds while this stays the same. A day is opened again only where a server with less in it
/// takes over, or the table is restored: a server that takes over, or is restored, began at another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    /// The current day: those before it are closed.
    pub(super) seen_on: NaiveDate,
    server_began: DateTime<Utc>,
    table: i64,
}

impl Epoch {
    pub(super) async fn read(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let (seen_on, server_began, table) = sqlx::query_as(
            "SELECT seen_on, pg_postmaster_start_time(), 'processed_message'::regclass::oid::bigint FROM installation",
        )
        .fetch_one(connection)
        .await?;
        Ok(Self { seen_on, server_began, table })
    }

    /// Whether all that was closed then still is, and as it was.
    fn continues(&self, earlier: &Self) -> bool {
        self.server_began == earlier.server_began
            && self.table == earlier.table
            && self.seen_on >= earlier.seen_on
    }
}

#[derive(Debug)]
struct Known {
    epoch: Epoch,
    /// Of the days before the epoch's. `None`: they have too many ids.
    filters: Option<Filters>,
}

#[derive(Clone, Debug, Default)]
struct Filters {
    each: Vec<Arc<BloomFilter>>,
    ids: usize,
}

impl Filters {
    fn may_hold(&self, hash: &Uuid) -> bool {
        let key = key(hash);
        self.each.iter().any(|filter| filter.contains_hash(key))
    }

    /// Reads the ids of the days from `from` on and before `to`; whether they fit in.
    async fn read(&mut self, tx: &mut PgConnection, from: NaiveDate, to: NaiveDate) -> Result<bool, Error> {
        // What is counted is what is read: closed days don't change.
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM processed_message WHERE seen_on >= $1 AND seen_on < $2")
                .bind(from)
                .bind(to)
                .fetch_one(&mut *tx)
                .await?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > MOST_IDS - self.ids {
            return Ok(false);
        }
        if count > 0 {
            let mut filter = BloomFilter::with_false_pos(MISTAKES).expected_items(count);
            let mut hashes =
                sqlx::query_scalar("SELECT hash FROM processed_message WHERE seen_on >= $1 AND seen_on < $2")
                    .bind(from)
                    .bind(to)
                    .fetch(tx);
            while let Some(hash) = hashes.try_next().await? {
                filter.insert_hash(key(&hash));
            }
            self.each.push(Arc::new(filter));
            self.ids += count;
        }
        Ok(true)
    }
}

/// A hash of a hash is that hash.
const fn key(hash: &Uuid) -> u64 {
    hash.as_u64_pair().0
}

impl Known {
    /// Reads what was not known before.
    async fn read(pool: &PgPool, before: Option<&Self>) -> Result<Self, Error> {
        let mut tx = pool.begin().await?;
        sqlx::query("SELECT set_config('statement_timeout', $1, true)")
            .bind(STATEMENT_TIMEOUT)
            .execute(&mut *tx)
            .await?;
        let epoch = Epoch::read(&mut tx).await?;
        // From the default of days on, which is the first of 1970, where nothing was known.
        let (from, mut filters) = before
            .filter(|before| epoch.continues(&before.epoch))
            .and_then(|before| Some((before.epoch.seen_on, before.filters.clone()?)))
            .filter(|(_, filters)| filters.each.len() < MOST_FILTERS)
            .unwrap_or_default();
        let fit = filters.read(&mut tx, from, epoch.seen_on).await?;
        tx.rollback().await?;
        if !fit {
            tracing::info!(
                most = MOST_IDS,
                "there are more ids of messages than are held in memory: each is looked for in the index of each day"
            );
        }
        Ok(Self { epoch, filters: fit.then_some(filters) })
    }
}

/// What this process knows of closed days.
#[derive(Debug, Default)]
pub(crate) struct ClosedDays {
    known: RwLock<Option<Arc<Known>>>,
    reading: AtomicBool,
}

impl ClosedDays {
    /// Which of these may have been seen on a closed day: all of them, until closed days have been read.
    pub(super) fn suspects(self: &Arc<Self>, pool: &PgPool, epoch: &Epoch, hashes: &[Uuid]) -> Vec<bool> {
        let known = self.known();
        if let Some(known) = known.filter(|known| known.epoch == *epoch) {
            let suspect = |hash| known.filters.as_ref().is_none_or(|filters| filters.may_hold(hash));
            return hashes.iter().map(suspect).collect();
        }
        if !self.reading.swap(true, Ordering::SeqCst) {
            tokio::spawn(Arc::clone(self).read(pool.clone()));
        }
        vec![true; hashes.len()]
    }

    async fn read(self: Arc<Self>, pool: PgPool) {
        match timeout(PATIENCE, Known::read(&pool, self.known().as_deref())).await {
            Ok(Ok(known)) => {
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(known));
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the ids of closed days could not be read");
                tokio::time::sleep(PAUSE).await;
            }
            Err(_) => tracing::debug!("the ids of closed days are not read to an end"),
        }
        self.reading.store(false, Ordering::SeqCst);
    }

    fn known(&self) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
