//! Where what changes nothing is read: from the primary, or from a replica of it that is new enough.

mod connections;
mod gather;
mod metrics;
mod position;
mod replica;

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values,
    sqlx::{
        self, AssertSqlSafe, FromRow, IntoArguments, Postgres,
        postgres::{PgConnectOptions, PgRow},
        query::Query,
    },
};
use sea_query_sqlx::SqlxValues;

use self::{
    connections::{Connections, Patience},
    replica::Replica,
};

pub(crate) use self::gather::{Gather, KeyedRead};
pub use self::metrics::describe as describe_metrics;

/// What is wrong with a replica that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum Misfit {
    /// It holds something else.
    OtherDatabase,
    /// It is a primary itself.
    FollowsNobody,
}

impl Misfit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::OtherDatabase => "it is another database than that of DATABASE_URL",
            Self::FollowsNobody => "it is no replica: it follows no other server",
        }
    }
}

/// Connections for statements that change nothing.
#[derive(Debug)]
pub(crate) struct Readers {
    primary: Connections,
    replica: Option<Replica>,
}

impl Readers {
    /// Of so many connections that there may be to the primary, a quarter is left to those who write.
    pub(crate) fn new(
        primary: PgConnectOptions,
        replica: Option<PgConnectOptions>,
        all: u32,
        patience: Duration,
    ) -> Self {
        let most = usize::try_from(all - all / 4).unwrap_or(1).max(1);
        Self {
            primary: Connections::new(primary, most, Patience { all: patience, server: patience }),
            replica: replica.map(|options| Replica::new(options, most)),
        }
    }

    /// How many of the primary's do something.
    pub(crate) fn used(&self) -> u32 {
        self.primary.used()
    }

    /// How many of the primary's wait for something to do.
    pub(crate) fn idle(&self) -> u32 {
        self.primary.idle()
    }

    /// By how many bytes of log the replica is behind; `None` without one.
    pub(crate) async fn examine_replica(&self) -> Option<Result<Result<u64, Misfit>, sqlx::Error>> {
        Some(self.replica.as_ref()?.examine(&self.primary).await)
    }

    /// All rows of an answer. The query is made again where it has to be asked again.
    pub(crate) async fn all<'q, O, A>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, A> + Sync,
    ) -> Result<Vec<O>, sqlx::Error>
    where
        O: for<'r> FromRow<'r, PgRow>,
        A: IntoArguments<Postgres> + 'q,
    {
        self.rows(query).await?.iter().map(O::from_row).collect()
    }

    /// All rows of an answer, not yet read.
    pub(crate) async fn rows<'q, A>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, A> + Sync,
    ) -> Result<Vec<PgRow>, sqlx::Error>
    where
        A: IntoArguments<Postgres> + 'q,
    {
        // In a box, because it is large: in place it would make as large whatever may read, as each field of an event is.
        Box::pin(self.of_either(query)).await
    }

    async fn of_either<'q, A>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, A> + Sync,
    ) -> Result<Vec<PgRow>, sqlx::Error>
    where
        A: IntoArguments<Postgres> + 'q,
    {
        let Some(replica) = &self.replica else { return self.of_primary(query()).await };
        if let Some(mut lent) = replica.get(&self.primary).await {
            let answer = query().fetch_all(lent.connection()?);
            if let Some(rows) = replica.ask(answer).await {
                let rows = rows?;
                lent.release();
                return Ok(rows);
            }
        }
        self.of_primary(query()).await
    }

    async fn of_primary<'q, A>(&self, query: Query<'q, Postgres, A>) -> Result<Vec<PgRow>, sqlx::Error>
    where
        A: IntoArguments<Postgres> + 'q,
    {
        let mut lent = self.primary.get().await?;
        let rows = query.fetch_all(lent.connection()?).await?;
        lent.release();
        Ok(rows)
    }

    /// All rows of the answer to what SeaORM built.
    pub(crate) async fn statement(&self, statement: &Statement) -> Result<Vec<PgRow>, DbErr> {
        let Statement { sql, values, .. } = statement;
        let values = || SqlxValues(values.clone().unwrap_or_else(|| Values(Vec::new())));
        self.rows(|| sqlx::query_with(AssertSqlSafe(sql.as_str()), values())).await.map_err(failed)
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn changes() -> DbErr {
    DbErr::Custom("these connections are for reading".to_owned())
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

    /// For statements that give one row at most.
    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.statement(&statement).await?.pop().map(Into::into))
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        Ok(self.statement(&statement).await?.into_iter().map(Into::into).collect())
    }
}
