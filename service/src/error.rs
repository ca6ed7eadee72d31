use std::sync::Arc;

use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::ingest::Place;

/// What a failure calls for. Decides in one place what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Waiting helps: a dependency is away, slow, or asked to try again.
    Transient,
    /// The value that was sent can't be stored; trying again can't help, other values are fine.
    Data,
    /// What was taken for granted holds no more: look again from the start.
    Stale,
    /// Neither helps: a wrong configuration, a schema that is not the expected one, a defect.
    Fatal,
}

/// What can go wrong between the service and what it stores in. The text is for operators, never for clients.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or it broke.
    #[error("the database can't be reached")]
    Unavailable(#[source] sqlx::Error),
    /// No free connection, or no answer in time.
    #[error("the database did not answer in time")]
    Timeout(#[source] sqlx::Error),
    /// Another transaction was in the way.
    #[error("the database asked to try again")]
    Conflict(#[source] sqlx::Error),
    /// Refused by a column's type, range or check.
    #[error("a value does not fit its column")]
    Value(#[source] sqlx::Error),
    /// A table, a column or a function is missing.
    #[error("the database's schema is not the expected one: run `pulsegate migrate up`")]
    Schema(#[source] sqlx::Error),
    /// Anything else that the database said.
    #[error("the database refused a statement")]
    Database(#[source] sqlx::Error),
    /// The query builder or its decoder failed.
    #[error("a statement could not be built or its answer not read")]
    Mapping(#[source] DbErr),
    /// Stored text is no known status or type.
    #[error("the database holds an unknown {column}")]
    Unknown {
        /// The column.
        column: &'static str,
    },
    /// What is stored of a partition's position is not what was read on from.
    #[error(
        "the stored position of {partition} is {} in generation {}, and not {} in generation {}",
        .stored.next_offset, .stored.generation, .expected.next_offset, .expected.generation
    )]
    Stale {
        /// The topic and its number.
        partition: String,
        /// What is stored.
        stored: Place,
        /// What was taken for stored, or less.
        expected: Place,
    },
    /// An address in the configuration can't be read.
    #[error("{variable} can't be read: {reason}")]
    Address {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it, without the value.
        reason: String,
    },
    /// The client of the channels' APIs can't be made.
    #[error("the HTTP client can't be made")]
    Http(#[source] reqwest::Error),
    /// What somebody else was told who asked in the same statement.
    #[error(transparent)]
    Shared(Arc<Self>),
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            // A database that is not migrated yet will be: start order does not matter.
            Self::Unavailable(_) | Self::Timeout(_) | Self::Conflict(_) | Self::Schema(_) => {
                ErrorKind::Transient
            }
            Self::Value(_) => ErrorKind::Data,
            Self::Stale { .. } => ErrorKind::Stale,
            Self::Shared(error) => error.kind(),
            Self::Database(_)
            | Self::Mapping(_)
            | Self::Unknown { .. }
            | Self::Address { .. }
            | Self::Http(_) => ErrorKind::Fatal,
        }
    }

    /// Whether it says nothing about what was asked for: whoever asks anything else now is told the same. A statement that took
    /// too long does say something.
    pub(crate) const fn is_about_the_server(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout(sqlx::Error::PoolTimedOut))
    }

    /// Whether it was waited for in vain.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout(_) => true,
            Self::Shared(error) => error.is_timeout(),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Timeout(error),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            sqlx::Error::Database(refusal) => {
                let state = refusal.code().unwrap_or_default().into_owned();
                by_sqlstate(&state, error)
            }
            _ => Self::Database(error),
        }
    }
}

/// Sorts by the classes of PostgreSQL's error codes (appendix A of its manual).
fn by_sqlstate(state: &str, error: sqlx::Error) -> Error {
    match state {
        // query_canceled: by statement_timeout. lock_not_available: by lock_timeout.
        "57014" | "55P03" => Error::Timeout(error),
        // Not null, check, too long, out of range, bad encoding.
        "23502" | "23514" => Error::Value(error),
        // Undefined table, column, function, schema, database.
        "42P01" | "42703" | "42883" | "3F000" | "3D000" => Error::Schema(error),
        _ => match state.get(..2) {
            // connection exception, operator intervention, insufficient resources, system error, and a standby or a
            // read-only phase during a failover.
            Some("08" | "57" | "53" | "58" | "25") => Error::Unavailable(error),
            // serialization failure, deadlock; a unique violation is a race that the next try settles.
            Some("40" | "23") => Error::Conflict(error),
            Some("22") => Error::Value(error),
            _ => Error::Database(error),
        },
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::Conn(RuntimeErr::SqlxError(error))
            | DbErr::Exec(RuntimeErr::SqlxError(error))
            | DbErr::Query(RuntimeErr::SqlxError(error)) => match Arc::try_unwrap(error) {
                Ok(error) => error.into(),
                Err(shared) => Self::Mapping(DbErr::Query(RuntimeErr::SqlxError(shared))),
            },
            DbErr::ConnectionAcquire(_) => Self::Timeout(sqlx::Error::PoolTimedOut),
            other => Self::Mapping(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_follow_the_sqlstate() {
        let kind = |state| by_sqlstate(state, sqlx::Error::PoolClosed).kind();
        assert_eq!(kind("08006"), ErrorKind::Transient);
        assert_eq!(kind("57P01"), ErrorKind::Transient);
        assert_eq!(kind("40P01"), ErrorKind::Transient);
        assert_eq!(kind("57014"), ErrorKind::Transient);
        assert_eq!(kind("42P01"), ErrorKind::Transient);
        assert_eq!(kind("22003"), ErrorKind::Data);
        assert_eq!(kind("22021"), ErrorKind::Data);
        assert_eq!(kind("23514"), ErrorKind::Data);
        assert_eq!(kind("42601"), ErrorKind::Fatal);
        assert_eq!(kind("28P01"), ErrorKind::Fatal);
    }
}
