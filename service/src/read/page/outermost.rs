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
        channel::channel_arrays,
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

/// Where columns stand: an event's owner, and what comes after the event and its sort key.
const OWNER: usize = 3;
const PLACE: usize = EVENT_COLUMNS + 1;
const CHANNELS: usize = PLACE + 1;

/// The event's place in its owner's list, and the owner.
fn place(row: &PgRow, known: bool) -> Result<(i64, &str), sqlx::Error> {
    let column = |place| Columns::from(row, place, known);
    Ok((column(PLACE).next()?, column(OWNER).next()?))
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
        let arrays = match self.with {
            With::Nothing => None,
            With::Channels => Some(channel_arrays!()),
            With::Freshness => Some(channel_arrays!(freshness)),
        };
        let sql = match arrays {
            None => listed,
            // Not of the event that only says that there are more.
            Some(arrays) => format!(
                "SELECT listed.*, of_it.* FROM ({listed}) AS listed CROSS JOIN LATERAL (SELECT {arrays} \
                 WHERE stored.event_id = listed.event_id AND listed.place <= {}) AS of_it",
                self.page.limit
            ),
        };
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
        let placed = rows.iter().enumerate().map(|(index, row)| Ok((place(row, index > 0)?, row)));
        let mut placed = placed.collect::<Result<Vec<_>, sqlx::Error>>()?;
        // The database joins them as it finds them.
        placed.sort_unstable_by_key(|(place, _)| *place);
        let mut events = EventRows::new(self.with, CHANNELS);
        let mut lists: HashMap<&str, Vec<Listed>> = HashMap::with_capacity(users.len());
        for ((_, owner), row) in placed {
            lists.entry(owner).or_default().push(Listed::read(&mut events, row)?);
        }
        Ok(lists.into_iter().map(|(owner, events)| (UserId::trusted(owner), events.into())).collect())
    }
}
