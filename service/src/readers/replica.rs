//! A replica that reads may go to. It is asked only once it is known to have all that was committed before the read
//! began. Where it is behind that, away, or no replica of this database at all, the primary answers.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::sqlx::{self, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{
    Misfit,
    connections::{Connections, Lent, Patience},
    metrics::{self, Outcome},
    position::{Position, Watermark},
};

/// How long to wait for a connection: less than for the primary's, which is there for whoever gets none.
const PATIENCE: Patience = Patience { all: Duration::from_millis(500), server: Duration::from_millis(250) };
/// How long a statement may take before the primary is asked as well.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// How long a replica is waited for that is behind: replication over a network takes some milliseconds.
const CATCHES_UP_WITHIN: Duration = Duration::from_millis(25);
const LOOKS_EVERY: Duration = Duration::from_millis(2);
/// For how long nobody tries one that stayed behind.
const WHEN_BEHIND: Duration = Duration::from_millis(100);
/// For how long nobody tries one that can't be reached.
const WHEN_AWAY: Duration = Duration::from_secs(1);
/// For how long nobody tries one that is none.
const WHEN_MISFIT: Duration = Duration::from_secs(5);
/// For how long the others leave one alone that somebody tries.
const TRIAL: Duration = Duration::from_secs(1);

/// Names a database as [`crate::Service`] does, on whatever server.
const IDENTITY: &str = "SELECT md5(installation.id || datname || pg_database.oid)::uuid \
                        FROM installation, pg_database WHERE datname = current_database()";

#[derive(Debug)]
pub(super) struct Replica {
    connections: Connections,
    watermark: Watermark,
    rest: Mutex<Rest>,
}

/// Whether the replica is left alone.
#[derive(Debug, Default)]
struct Rest {
    until: Option<Instant>,
    /// Why, as long as it is worth a word.
    told: Option<&'static str>,
}

/// Why a replica is not read from.
#[derive(Debug)]
enum Unfit {
    Behind,
    Away,
    Misfit(Misfit),
}

impl From<sqlx::Error> for Unfit {
    fn from(_: sqlx::Error) -> Self {
        Self::Away
    }
}

impl Replica {
    pub(super) fn new(options: PgConnectOptions, most: usize) -> Self {
        Self {
            connections: Connections::new(options, most, PATIENCE),
            watermark: Watermark::default(),
            rest: Mutex::default(),
        }
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether to try it now. After a rest only one does at a time.
    fn may_try(&self) -> bool {
        let mut rest = self.rest();
        match rest.until {
            None => true,
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                rest.until = Some(Instant::now() + TRIAL);
                true
            }
        }
    }

    /// A connection to the replica where it has all that is needed.
    pub(super) async fn get(&self, primary: &Connections) -> Option<Lent> {
        if !self.may_try() {
            metrics::count(Outcome::Resting);
            return None;
        }
        match self.try_get(primary).await {
            Ok(lent) => Some(lent),
            Err(unfit) => {
                self.leave_alone(&unfit);
                None
            }
        }
    }

    async fn try_get(&self, primary: &Connections) -> Result<Lent, Unfit> {
        // What is read may be kept in Redis under a fence that was raised for a commit that this process has not heard of
        // yet. The fence was looked at before, so whatever it stands for is in what the primary has by now.
        let needed = self.watermark.needed(primary).await?;
        let mut lent = self.connections.get().await?;
        if lent.has().is_none_or(|has| has < needed) {
            timeout(PATIENCE.all, catch_up(&mut lent, needed, primary)).await.map_err(|_| Unfit::Away)??;
        }
        Ok(lent)
    }

    /// What the replica said; `None` where the primary has to be asked instead.
    pub(super) async fn ask<T>(
        &self,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Option<Result<T, sqlx::Error>> {
        match timeout(ANSWERS_WITHIN, answer).await {
            Ok(Ok(rows)) => {
                self.is_back();
                metrics::count(Outcome::Answered);
                Some(Ok(rows))
            }
            // Took longer than a statement may, wherever it is asked.
            Ok(Err(error)) if is_given_up(&error) => Some(Err(error)),
            Ok(Err(_)) | Err(_) => {
                self.leave_alone(&Unfit::Away);
                None
            }
        }
    }

    fn leave_alone(&self, unfit: &Unfit) {
        let (pause, outcome, told) = match unfit {
            Unfit::Behind => (WHEN_BEHIND, Outcome::Behind, None),
            Unfit::Away => (WHEN_AWAY, Outcome::Away, Some("it does not answer")),
            Unfit::Misfit(misfit) => (WHEN_MISFIT, Outcome::Misfit, Some(misfit.as_str())),
        };
        metrics::count(outcome);
        let mut rest = self.rest();
        rest.until = Some(Instant::now() + pause);
        if let Some(reason) = told
            && rest.told != told
        {
            rest.told = told;
            tracing::warn!(reason, "the replica of DATABASE_READ_URL is not read from, the primary is");
        }
    }

    fn is_back(&self) {
        let mut rest = self.rest();
        if rest.until.take().is_some() && rest.told.take().is_some() {
            tracing::info!("the replica of DATABASE_READ_URL is read from again");
        }
    }

    /// By how many bytes of log it is behind the primary.
    pub(super) async fn examine(&self, primary: &Connections) -> Result<Result<u64, Misfit>, sqlx::Error> {
        let needed = self.watermark.needed(primary).await?;
        let mut lent = self.connections.get().await?;
        if let Err(misfit) = recognize(lent.connection()?, primary).await? {
            return Ok(Err(misfit));
        }
        let has = Position::of_replica(lent.connection()?).await?;
        lent.release();
        Ok(has.map(|has| has.behind(needed)).ok_or(Misfit::FollowsNobody))
    }
}

/// Waits until the replica has what is needed.
async fn catch_up(lent: &mut Lent, needed: Position, primary: &Connections) -> Result<(), Unfit> {
    if lent.has().is_none() {
        recognize(lent.connection()?, primary).await?.map_err(Unfit::Misfit)?;
    }
    let caught_up = async {
        loop {
            let has = Position::of_replica(lent.connection()?).await?;
            let has = has.ok_or(Unfit::Misfit(Misfit::FollowsNobody))?;
            lent.note(has);
            if has >= needed {
                return Ok(());
            }
            sleep(LOOKS_EVERY).await;
        }
    };
    timeout(CATCHES_UP_WITHIN, caught_up).await.unwrap_or(Err(Unfit::Behind))
}

/// Whether the two are the same database.
async fn recognize(
    replica: &mut PgConnection,
    primary: &Connections,
) -> Result<Result<(), Misfit>, sqlx::Error> {
    let mut lent = primary.get().await?;
    let expected: Option<Uuid> = sqlx::query_scalar(IDENTITY).fetch_optional(lent.connection()?).await?;
    lent.release();
    let found: Option<Uuid> = match sqlx::query_scalar(IDENTITY).fetch_optional(replica).await {
        // Without the tables it is none either.
        Err(sqlx::Error::Database(_)) => None,
        found => found?,
    };
    Ok(if expected.is_some() && expected == found { Ok(()) } else { Err(Misfit::OtherDatabase) })
}

/// Whether PostgreSQL ended the statement because it took too long: SQLSTATE 57014.
fn is_given_up(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refusal| refusal.code().as_deref() == Some("57014"))
}
