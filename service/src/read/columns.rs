//! Rows read by the places of their columns. By name, each value of each row costs a text and a look-up.

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::sqlx::{self, Decode, Postgres, Row as _, Type, postgres::PgRow};

/// The columns of a row from some place on, in their order.
pub(super) struct Columns<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) const fn from(row: &'r PgRow, first: usize) -> Self {
        Self { row, next: first }
    }

    pub(super) fn next<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self) -> Result<T, sqlx::Error> {
        let value = self.row.try_get(self.next);
        self.next += 1;
        value
    }
}

/// A moment, which the tables hold in UTC.
pub(super) fn instant(columns: &mut Columns<'_>) -> Result<DateTime<Utc>, sqlx::Error> {
    Ok(columns.next::<NaiveDateTime>()?.and_utc())
}

/// One that may be missing.
pub(super) fn maybe_instant(columns: &mut Columns<'_>) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    Ok(columns.next::<Option<NaiveDateTime>>()?.map(|at| at.and_utc()))
}
