//! Connections for reading. A pool asks the database after each use whether the connection is still there, which takes
//! longer than many a statement; whoever only reads gives a connection to the next one as it is.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values,
    sqlx::{
        self, AssertSqlSafe, Connection as _, Executor as _, FromRow, IntoArguments, PgConnection, Postgres,
        postgres::{PgConnectOptions, PgRow},
        query::QueryAs,
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// Whoever was not needed for so long is asked whether it is still there.
const DOUBTFUL: Duration = Duration::from_secs(1);
/// Whoever is not needed for so long is closed.
const SPARE: Duration = Duration::from_secs(60);

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
    permits: Semaphore,
    /// The last used at the end.
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    connection: PgConnection,
    since: Instant,
}

/// A connection in use. What is dropped without [`Reader::release`], because reading failed or was given up, is closed.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    connection: PgConnection,
    readers: &'a Readers,
    _permit: SemaphorePermit<'a>,
}

impl Deref for Reader<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Reader<'_> {
    /// Leaves the connection to the next one. To be called when all that was asked was answered.
    pub(crate) fn release(self) {
        let Self { connection, readers, _permit } = self;
        let now = Instant::now();
        let mut idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { connection, since: now });
        let spare = idle.first().is_some_and(|idle| now - idle.since > SPARE).then(|| idle.remove(0));
        drop(idle);
        drop(spare);
    }
}

impl Readers {
    /// Of so many connections that there may be, a quarter is left to those who write.
    pub(crate) fn new(options: PgConnectOptions, all: u32, patience: Duration) -> Self {
        let most = usize::try_from(all - all / 4).unwrap_or(1).max(1);
        Self {
            options: options.options([PLANS]),
            patience,
            most,
            permits: Semaphore::new(most),
            idle: Mutex::default(),
        }
    }

    /// How many do something.
    pub(crate) fn used(&self) -> u32 {
        u32::try_from(self.most.saturating_sub(self.permits.available_permits())).unwrap_or(u32::MAX)
    }

    /// How many wait for something to do.
    pub(crate) fn idle(&self) -> u32 {
        u32::try_from(self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()).unwrap_or(u32::MAX)
    }

    /// Waits for a connection.
    pub(crate) async fn get(&self) -> Result<Reader<'_>, sqlx::Error> {
        let got = async {
            let permit = self.permits.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
            let connection = match self.take().await {
                Some(connection) => connection,
                None => PgConnection::connect_with(&self.options).await?,
            };
            Ok::<_, sqlx::Error>((permit, connection))
        };
        let (permit, connection) =
            timeout(self.patience, got).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        Ok(Reader { connection, readers: self, _permit: permit })
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
        let mut reader = self.get().await?;
        let rows = query.fetch_all(&mut *reader).await?;
        reader.release();
        Ok(rows)
    }

    /// One of those that wait for something to do, if it is still there.
    async fn take(&self) -> Option<PgConnection> {
        loop {
            let last = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Idle { mut connection, since } = last?;
            if since.elapsed() <= DOUBTFUL || connection.ping().await.is_ok() {
                return Some(connection);
            }
            // A broken one.
            let _ = connection.close_hard().await;
        }
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
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

    async fn execute_raw(&self, mut statement: Statement) -> Result<ExecResult, DbErr> {
        let values = values(&mut statement);
        let mut reader = self.get().await.map_err(failed)?;
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let result = query.execute(&mut *reader).await.map_err(failed)?;
        reader.release();
        Ok(result.into())
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut reader = self.get().await.map_err(failed)?;
        let result = reader.execute(AssertSqlSafe(sql.to_owned())).await.map_err(failed)?;
        reader.release();
        Ok(result.into())
    }

    async fn query_one_raw(&self, mut statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let values = values(&mut statement);
        let mut reader = self.get().await.map_err(failed)?;
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let row = query.fetch_optional(&mut *reader).await.map_err(failed)?;
        reader.release();
        Ok(row.map(Into::into))
    }

    async fn query_all_raw(&self, mut statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let values = values(&mut statement);
        let mut reader = self.get().await.map_err(failed)?;
        let query = sqlx::query_with(AssertSqlSafe(statement.sql), values);
        let rows = query.fetch_all(&mut *reader).await.map_err(failed)?;
        reader.release();
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
