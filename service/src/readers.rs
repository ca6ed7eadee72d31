//! Connections for reading. A pool asks the database after each use whether the connection is still there, which takes
//! longer than many a statement; whoever only reads gives a connection to the next one as it is.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values,
    sqlx::{
        self, AssertSqlSafe, Connection as _, FromRow, IntoArguments, PgConnection, Postgres,
        postgres::{PgConnectOptions, PgRow},
        query::QueryAs,
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Whoever was not needed for so long is asked whether it is still there.
const DOUBTFUL: Duration = Duration::from_secs(1);
/// Whoever is not needed for so long is closed.
const SPARE: Duration = Duration::from_secs(60);
/// No connection lives longer: after a failover the old primary may go on answering.
const LIFETIME: Duration = Duration::from_secs(1_800);

/// Statements take lists of any length. PostgreSQL plans for ten where it can't see it, and so would plan each of them
/// anew, at the cost of executing it several times. All that is read is looked up by an index.
const PLANS: (&str, &str) = ("plan_cache_mode", "force_generic_plan");

/// Connections for statements that change nothing.
#[derive(Debug)]
pub(crate) struct Readers {
    options: PgConnectOptions,
    patience: Duration,
    most: usize,
    /// One for each connection.
    permits: Arc<Semaphore>,
    idle: Arc<IdleList>,
}

/// Those that wait for something to do, the last used at the end.
#[derive(Debug, Default)]
struct IdleList(Mutex<Vec<Idle>>);

#[derive(Debug)]
struct Connected {
    connection: PgConnection,
    born: Instant,
}

#[derive(Debug)]
struct Idle {
    connected: Connected,
    since: Instant,
}

impl IdleList {
    fn put(&self, connected: Connected) {
        let now = Instant::now();
        if now - connected.born > LIFETIME {
            return;
        }
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { connected, since: now });
        let spare = idle.first().is_some_and(|idle| now - idle.since > SPARE).then(|| idle.remove(0));
        drop(idle);
        drop(spare);
    }

    fn pop(&self) -> Option<Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A connection in use, until [`Lent::release`]. What is dropped before, because reading failed or was given up, may
/// still be answered by the database: it counts as used until that is over, so that whoever asks and goes away again and
/// again does not leave ever more statements behind.
#[derive(Debug)]
struct Lent {
    /// `None` once it is given back.
    connected: Option<(Connected, OwnedSemaphorePermit)>,
    idle: Arc<IdleList>,
}

impl Lent {
    /// Leaves the connection to the next one. To be called when all that was asked was answered.
    fn release(mut self) {
        if let Some((connected, _permit)) = self.connected.take() {
            self.idle.put(connected);
        }
    }

    fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.connected.as_mut().map(|(connected, _)| &mut connected.connection).ok_or(sqlx::Error::PoolClosed)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some((mut connected, permit)) = self.connected.take() else { return };
        let idle = Arc::clone(&self.idle);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // Answered after everything that was asked before.
                if connected.connection.ping().await.is_ok() {
                    idle.put(connected);
                }
                drop(permit);
            });
        }
    }
}

impl Readers {
    /// Of so many connections that there may be, a quarter is left to those who write.
    pub(crate) fn new(options: PgConnectOptions, all: u32, patience: Duration) -> Self {
        let most = usize::try_from(all - all / 4).unwrap_or(1).max(1);
        let permits = Arc::new(Semaphore::new(most));
        Self { options: options.options([PLANS]), patience, most, permits, idle: Arc::default() }
    }

    /// How many do something.
    pub(crate) fn used(&self) -> u32 {
        u32::try_from(self.most.saturating_sub(self.permits.available_permits())).unwrap_or(u32::MAX)
    }

    /// How many wait for something to do.
    pub(crate) fn idle(&self) -> u32 {
        u32::try_from(self.idle.len()).unwrap_or(u32::MAX)
    }

    /// Waits for a connection.
    async fn get(&self) -> Result<Lent, sqlx::Error> {
        let got = async {
            let permits = Arc::clone(&self.permits);
            let permit = permits.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
            let connected = match self.take().await {
                Some(connected) => connected,
                None => Connected {
                    connection: PgConnection::connect_with(&self.options).await?,
                    born: Instant::now(),
                },
            };
            Ok::<_, sqlx::Error>((connected, permit))
        };
        let got = timeout(self.patience, got).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        Ok(Lent { connected: Some(got), idle: Arc::clone(&self.idle) })
    }

    /// All rows of an answer.
    pub(crate) async fn all<'q, O, A>(
        &self,
        query: QueryAs<'q, Postgres, O, A>,
    ) -> Result<Vec<O>, sqlx::Error>
    where
        O: for<'r> FromRow<'r, PgRow> + Send + Unpin,
        A: IntoArguments<Postgres> + 'q,
    {
        let mut lent = self.get().await?;
        let rows = query.fetch_all(lent.connection()?).await?;
        lent.release();
        Ok(rows)
    }

    /// One of those that wait for something to do, if it is still there.
    async fn take(&self) -> Option<Connected> {
        loop {
            let Idle { mut connected, since } = self.idle.pop()?;
            if since.elapsed() <= DOUBTFUL || connected.connection.ping().await.is_ok() {
                return Some(connected);
            }
        }
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn changes() -> DbErr {
    DbErr::Custom("these connections are for reading".to_owned())
}

fn values(statement: &mut Statement) -> SqlxValues {
    SqlxValues(statement.values.take().unwrap_or_else(|| Values(Vec::new())))
}

/// For what SeaORM builds.
#[async_trait::async_trait]
impl ConnectionTrait for Readers {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, _statement: Statement) -> Result<ExecResult, DbErr> {
        Err(changes())
    }

    async fn execute_unprepared(&self, _sql: &str) -> Result<ExecResult, DbErr> {
        Err(changes())
    }

    async fn query_one_raw(&self, mut statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let values = values(&mut statement);
        let mut lent = self.get().await.map_err(failed)?;
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let row = query.fetch_optional(lent.connection().map_err(failed)?).await.map_err(failed)?;
        lent.release();
        Ok(row.map(Into::into))
    }

    async fn query_all_raw(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let values = values(&mut statement);
        let mut lent = self.get().await.map_err(failed)?;
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let rows = query.fetch_all(lent.connection().map_err(failed)?).await.map_err(failed)?;
        lent.release();
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
