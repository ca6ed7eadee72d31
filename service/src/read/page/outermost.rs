//! The first or the last page of each of several users' lists.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

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
        channel::{CHANNEL_COLUMNS, ChannelRows, channel_columns, stored_channels},
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

/// A row of the answer: an event, or one of its channels where they are read with it.
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

    /// Events in the order of their lists, each before its channels by name. Numbers are compared first, because that is
    /// soon done.
    const fn order(&self) -> (i64, &'r str, Option<&'r str>) {
        (self.place, self.owner, self.channel)
    }

    fn is_of_the_same(&self, event: &Self) -> bool {
        self.place == event.place && self.owner == event.owner
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
    /// An event of which these are the rows: its own, and those of its channels by their names.
    fn read(&mut self, event: &Found<'_>, channels: &[Found<'_>]) -> Result<Listed, Error> {
        let channels = match self.with {
            With::Channels => {
                let of_row = |found: &Found<'_>| self.channels.read(found.row, CHANNEL).transpose();
                Some(channels.iter().filter_map(of_row).collect::<Result<_, _>>()?)
            }
            With::Nothing => None,
        };
        Listed::read(&mut self.events, event.row, channels)
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
        let listed = format!(
            "SELECT listed.* FROM unnest(${}::text[]) AS asked (owner) \
             CROSS JOIN LATERAL ({sql} LIMIT {}) AS listed",
            values.0.len(),
            self.page.read(),
        );
        let sql = match self.with {
            With::Nothing => listed,
            With::Channels => self.with_channels(&listed),
        };
        Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
    }

    /// The same, and the channels of these events in rows of their own: beside each of its channels an event would be
    /// sent as often as it has any.
    fn with_channels(&self, listed: &str) -> String {
        /// What stands in a channel's row where an event's columns are, and the other way round.
        static NULLS: LazyLock<(String, String)> = LazyLock::new(|| {
            let of_channels = (0..=PLACE).map(|place| match place {
                OWNER => "listed.user_id",
                PLACE => "listed.place",
                _ => "NULL",
            });
            (of_channels.collect::<Vec<_>>().join(", "), ["NULL"; CHANNEL_COLUMNS].join(", "))
        });
        let (of_channels, of_events) = &*NULLS;
        format!(
            concat!(
                "WITH listed AS MATERIALIZED ({}) SELECT listed.*, {} FROM listed UNION ALL SELECT {}, ",
                channel_columns!(),
                " FROM listed JOIN ",
                stored_channels!("ON stored.event_id = listed.event_id"),
                // Not of the event that only says that there are more.
                " WHERE listed.place <= {}"
            ),
            listed, of_events, of_channels, self.page.limit
        )
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
        let mut lists: HashMap<&str, Vec<Listed>> = HashMap::with_capacity(users.len());
        for of_event in found.chunk_by(Found::is_of_the_same) {
            let Some((event, channels)) = of_event.split_first() else { continue };
            lists.entry(event.owner).or_default().push(read.read(event, channels)?);
        }
        Ok(lists.into_iter().map(|(owner, events)| (UserId::trusted(owner), events.into())).collect())
    }
}
