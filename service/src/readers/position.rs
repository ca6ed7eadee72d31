//! How far a server's write-ahead log goes. Everything that was committed up to a position is in what a server shows that
//! has replayed its log up to there.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use sea_orm::sqlx::{self, PgConnection};
use tokio::sync::Mutex;

use super::connections::Connections;

/// A place in the write-ahead log, in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position(i64);

impl Position {
    /// How many bytes of log this one is behind another.
    pub(super) fn behind(self, other: Self) -> u64 {
        u64::try_from(other.0.saturating_sub(self.0)).unwrap_or_default()
    }

    /// Of a primary: after every commit that somebody may have heard of. Whoever commits without waiting for the disk may
    /// be heard before it is written.
    pub(super) async fn of_primary(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT (CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn() \
             ELSE pg_current_wal_flush_lsn() END - '0/0')::bigint",
        )
        .fetch_one(connection)
        .await
        .map(Self)
    }

    /// Of a replica; `None` where the server follows nobody.
    pub(super) async fn of_replica(connection: &mut PgConnection) -> Result<Option<Self>, sqlx::Error> {
        let position: Option<i64> = sqlx::query_scalar(
            "SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END - '0/0')::bigint",
        )
        .fetch_one(connection)
        .await?;
        Ok(position.map(Self))
    }
}

/// The position that a replica must have reached to have all that was committed before a read began.
#[derive(Debug, Default)]
pub(super) struct Watermark {
    /// How many have wanted to know.
    asked: AtomicU64,
    /// How many of them the position is known to be new enough for: the primary was asked after they wanted to know.
    answered: AtomicU64,
    position: AtomicI64,
    asking: Mutex<()>,
}

impl Watermark {
    /// What a replica must have by now; the primary is asked once for all who wait.
    pub(super) async fn needed(&self, primary: &Connections) -> Result<Position, sqlx::Error> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let _asking = self.asking.lock().await;
        if self.answered.load(Ordering::SeqCst) < number {
            let covered = self.asked.load(Ordering::SeqCst);
            let mut lent = primary.get().await?;
            let Position(position) = Position::of_primary(lent.connection()?).await?;
            lent.release();
            self.position.store(position, Ordering::SeqCst);
            self.answered.store(covered, Ordering::SeqCst);
        }
        Ok(Position(self.position.load(Ordering::SeqCst)))
    }
}
