//! The first or the last page of each of several users' lists.

use std::{collections::HashMap, sync::Arc};

use sea_orm::{
    DbBackend, QueryFilter, QuerySelect, QueryTrait, Statement, Values,
    sea_query::{Expr, Order},
    sqlx::{self, postgres::PgRow},
};

use super::{
    PageRequest,
    list::{List, Listed},
};
use crate::{
    Error,
    domain::{UserId, Viewer},
    read::{
        EventFilter, EventOrder, With,
        channel::{ChannelRows, channel_columns, stored_channels},
        columns::Columns,
        entry::{EVENT_COLUMNS, EventRows, texts},
    },
    readers::{KeyedRead, Readers},
};

/// Looks up the outermost page of users' lists, whoever may see them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadOutermostPages {
    pub(super) filter: EventFilter,
    pub(super) order: EventOrder,
    pub(super) page: PageRequest,
    pub(super) with: With,
}

/// A row of the answer: an event, and one of its channels where they are read with it.
struct Found<'r> {
    row: &'r PgRow,
    owner: &'r str,
    /// In the owner's list.
    place: i64,
    channel: Option<&'r str>,
}

impl<'r> Found<'r> {
    /// The row at this index of the answer.
    fn read(index: usize, row: &'r PgRow, with: With) -> Result<Self, sqlx::Error> {
        let column = |place| Columns::from(row, place, index > 0);
        let channel = match with {
            With::Channels => column(CHANNEL_NAME).next()?,
            With::Nothing => None,
        };
        let (owner, place) = (column(OWNER).next()?, column(PLACE).next()?);
        Ok(Self { row, owner, place, channel })
    }

    const fn order(&self) -> (&'r str, i64, Option<&'r str>) {
        (self.owner, self.place, self.channel)
    }
}

/// Where columns stand: an event's owner, and what comes after the event and its sort key.
const OWNER: usize = 3;
const PLACE: usize = EVENT_COLUMNS + 1;
const CHANNEL: usize = PLACE + 1;
const CHANNEL_NAME: usize = CHANNEL + 1;

/// Reads the events of one answer.
struct ListedRows {
    with: With,
    events: EventRows,
    channels: ChannelRows,
}

impl ListedRows {
    /// The event of which these are the rows, by the names of its channels.
    fn read(&mut self, rows: &[Found<'_>]) -> Result<Option<Listed>, Error> {
        let Some(first) = rows.first() else { return Ok(None) };
        let channels = match self.with {
            With::Channels => {
                let of_row = |found: &Found<'_>| self.channels.read(found.row, CHANNEL).transpose();
                Some(rows.iter().filter_map(of_row).collect::<Result<_, _>>()?)
            }
            With::Nothing => None,
        };
        Listed::read(&mut self.events, first.row, channels).map(Some)
    }
}

impl ReadOutermostPages {
    /// As many rows of each user's list as its page needs, each with its place there.
    fn of_each(&self, users: &[UserId]) -> Statement {
        let list = List { order: self.order, page: &self.page };
        let (expression, direction) = list.sort();
        let word = |order| if matches!(order, Order::Desc) { "DESC" } else { "ASC" };
        let nulls = match (list.order.field.nullable(), list.page.backward) {
            (false, _) => "",
            (true, false) => " NULLS LAST",
            (true, true) => " NULLS FIRST",
        };
        let place = format!(
            "row_number() OVER (ORDER BY {expression} {}{nulls}, event_stats.event_id {})",
            word(direction),
            word(list.ties()),
        );
        let of_one = list
            .select(self.filter.condition(&Viewer::Open))
            .expr_as(Expr::cust(place), "place")
            .filter(Expr::cust("event_stats.user_id = asked.owner"));
        let Statement { sql, values, .. } = list.ordered(of_one).build(DbBackend::Postgres);
        let mut values = values.unwrap_or_else(|| Values(Vec::new()));
        values.0.push(texts(users.iter().map(UserId::as_str)));
        let (columns, channels) = match self.with {
            With::Channels => (
                concat!(", ", channel_columns!()),
                // Not of the event that only says that there are more.
                format!(
                    concat!(
                        " LEFT JOIN ",
                        stored_channels!("ON stored.event_id = listed.event_id AND listed.place <= {}")
                    ),
                    self.page.limit
                ),
            ),
            With::Nothing => ("", String::new()),
        };
        let sql = format!(
            "SELECT listed.*{columns} FROM unnest(${}::text[]) AS asked (owner) \
             CROSS JOIN LATERAL ({sql} LIMIT {}) AS listed{channels}",
            values.0.len(),
            self.page.read(),
        );
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
    }
}

impl KeyedRead for ReadOutermostPages {
    type Key = UserId;
    type Value = Arc<[Listed]>;

    fn most(&self) -> usize {
        8
    }

    async fn read(
        &self,
        readers: &Readers,
        users: Vec<UserId>,
    ) -> Result<HashMap<UserId, Arc<[Listed]>>, Error> {
        let rows = readers.statement(&self.of_each(&users)).await?;
        let mut found = rows
            .iter()
            .enumerate()
            .map(|(index, row)| Found::read(index, row, self.with))
            .collect::<Result<Vec<_>, _>>()?;
        // The database joins them as it finds them.
        found.sort_unstable_by_key(Found::order);
        let mut read =
            ListedRows { with: self.with, events: EventRows::default(), channels: ChannelRows::default() };
        let mut lists = HashMap::with_capacity(users.len());
        for list in found.chunk_by(|one, other| one.owner == other.owner) {
            let events = list.chunk_by(|one, other| one.place == other.place);
            let events = events.filter_map(|rows| read.read(rows).transpose());
            let events: Arc<[Listed]> = events.collect::<Result<_, _>>()?;
            lists.extend(list.first().map(|found| (UserId::trusted(found.owner), events)));
        }
        Ok(lists)
    }
}
