//! The schema of a database: brought up, taken back, told.

use std::time::Duration;

use migration::Migrator;
use sea_orm_migration::{
    MigrationStatus, MigratorTrait as _,
    sea_orm::{
        ConnectOptions, ConnectionTrait as _, Database, DatabaseBackend, DatabaseConnection, DbErr,
        RuntimeErr, Statement,
    },
};

/// Held while a schema is changed. The number is arbitrary, but the same in every version.
const LOCK: &str = "SELECT pg_advisory_lock(8242136175513217908)";
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a schema could not be changed or told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the database can't be reached: {0}")]
    Unreachable(String),
    #[error("the migration failed: {0}")]
    Failed(DbErr),
}

impl From<DbErr> for Error {
    fn from(fault: DbErr) -> Self {
        match fault {
            DbErr::Conn(RuntimeErr::SqlxError(fault)) => Self::Unreachable(fault.to_string()),
            DbErr::Conn(fault) => Self::Unreachable(fault.to_string()),
            DbErr::ConnectionAcquire(fault) => Self::Unreachable(fault.to_string()),
            other => Self::Failed(other),
        }
    }
}

/// A migration and whether the database has it.
pub(crate) type State = (String, bool);

/// Applies what the database lacks, one process at a time.
pub(crate) async fn up(url: &str) -> Result<Vec<State>, Error> {
    let database = connect(url).await?;
    database.execute_unprepared(LOCK).await?;
    Migrator::up(&database, None).await?;
    finish(database).await
}

/// Takes back the newest `steps`, or all.
pub(crate) async fn down(url: &str, steps: Option<u32>) -> Result<Vec<State>, Error> {
    let database = connect(url).await?;
    database.execute_unprepared(LOCK).await?;
    Migrator::down(&database, steps).await?;
    finish(database).await
}

/// All migrations, in order.
pub(crate) async fn status(url: &str) -> Result<Vec<State>, Error> {
    finish(connect(url).await?).await
}

/// The server's version, and what it has.
pub(crate) async fn look(url: &str) -> Result<(String, Vec<State>), Error> {
    let database = connect(url).await?;
    let row = database
        .query_one_raw(Statement::from_string(DatabaseBackend::Postgres, "SHOW server_version"))
        .await?;
    let version: String = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    Ok((version, finish(database).await?))
}

async fn finish(database: DatabaseConnection) -> Result<Vec<State>, Error> {
    let states = Migrator::get_migration_with_status(&database).await?;
    // The lock goes with the connection.
    database.close().await?;
    Ok(states
        .iter()
        .map(|migration| (migration.name().to_owned(), migration.status() == MigrationStatus::Applied))
        .collect())
}

/// One connection, because the lock is its own.
async fn connect(url: &str) -> Result<DatabaseConnection, Error> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).connect_timeout(PATIENCE).acquire_timeout(PATIENCE).sqlx_logging(false);
    Ok(Database::connect(options).await?)
}
