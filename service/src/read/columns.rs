//! Rows read by the places of their columns. By name, each value of each row costs a text and a look-up.

use chrono::{DateTime, NaiveDateTime, Utc};
use sea_orm::sqlx::{self, Column as _, Row as _, error::BoxDynError, postgres::PgRow};

use super::value::Value;

/// The columns of a row from some place on, in their order.
pub(super) struct Columns<'r> {
    row: &'r PgRow,
    next: usize,
    /// Whether the types are known to be right.
    known: bool,
}

impl<'r> Columns<'r> {
    /// From `first` on. The types are known to be right where another row of the same answer was read like this: all its
    /// rows have the same.
    pub(super) const fn from(row: &'r PgRow, first: usize, known: bool) -> Self {
        Self { row, next: first, known }
    }

    pub(super) fn next<T: Value<'r>>(&mut self) -> Result<T, sqlx::Error> {
        let place = self.next;
        self.next += 1;
        if !self.known {
            // Whether or not this row has a value there: the next may have one.
            let column = self.row.try_column(place)?;
            if !T::compatible(column.type_info()) {
                let (is, read_as) = (column.type_info(), T::type_info());
                return Err(unreadable(
                    self.row,
                    place,
                    format!("it is of type {is} and is read as {read_as}"),
                ));
            }
        }
        T::read(self.row.try_get_raw(place)?).map_err(|fault| unreadable(self.row, place, fault))
    }
}

fn unreadable(row: &PgRow, place: usize, fault: impl Into<BoxDynError>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: row.column(place).name().to_owned(), source: fault.into() }
}

/// A moment, which the tables hold in UTC.
pub(super) fn instant(columns: &mut Columns<'_>) -> Result<DateTime<Utc>, sqlx::Error> {
    Ok(columns.next::<NaiveDateTime>()?.and_utc())
}

/// Texts that rows repeat: equal ones share their memory.
#[derive(Debug)]
pub(super) struct Repeated<T>(Vec<T>);

impl<T> Default for Repeated<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: AsRef<str> + Clone> Repeated<T> {
    /// More different ones are looked for among the last so many only.
    const MOST: usize = 8;

    pub(super) fn of(&mut self, text: &str, read: impl FnOnce(&str) -> T) -> T {
        if let Some(known) = self.0.iter().rev().find(|known| known.as_ref() == text) {
            return known.clone();
        }
        if self.0.len() == Self::MOST {
            self.0.remove(0);
        }
        let value = read(text);
        self.0.push(value.clone());
        value
    }
}
