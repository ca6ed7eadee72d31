//! The first or the last page of each of several users' lists.

use std::{collections::HashMap, sync::Arc};

use sea_orm::{
    DbBackend, QueryFilter, QuerySelect, QueryTrait, Statement, Values,
    sea_query::{Expr, Order},
};

use super::{
    PageRequest,
    list::{List, Listed},
};
use crate::{
    Error,
    domain::{UserId, Viewer},
    read::{EventFilter, EventOrder, columns::Columns, entry::texts},
    readers::{KeyedRead, Readers},
};

/// Looks up the outermost page of users' lists, whoever may see them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadOutermostPages {
    pub(super) filter: EventFilter,
    pub(super) order: EventOrder,
    pub(super) page: PageRequest,
}

impl ReadOutermostPages {
    /// As many rows of each user's list as its page needs, each with its place there.
    fn of_each(&self, users: &[UserId]) -> Statement {
        let list = List { order: self.order, page: &self.page, fingerprint: String::new() };
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
        let sql = format!(
            "SELECT listed.* FROM unnest(${}::text[]) AS asked (owner) CROSS JOIN LATERAL ({sql} LIMIT {}) AS listed",
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
        let mut found: HashMap<UserId, Vec<(i64, Listed)>> = HashMap::with_capacity(users.len());
        for row in readers.statement(&self.of_each(&users)).await? {
            let columns = &mut Columns::from(&row, 0);
            let (listed, place) = (Listed::read(columns)?, columns.next()?);
            found.entry(listed.entry.event.user_id.clone()).or_default().push((place, listed));
        }
        Ok(found
            .into_iter()
            .map(|(user, mut rows)| {
                // The database joins them as it finds them.
                rows.sort_unstable_by_key(|(place, _)| *place);
                (user, rows.into_iter().map(|(_, listed)| listed).collect())
            })
            .collect())
    }
}
