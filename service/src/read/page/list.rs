//! Lists of events: their order, and places in it.

use std::sync::Arc;

use entity::event_stats;
use sea_orm::{
    Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, NullOrdering, Order},
    sqlx::postgres::PgRow,
};
use serde::{Deserialize, Serialize};

use super::{Page, PageError, PageRequest};
use crate::{
    Error,
    cursor::{CursorError, Cursors},
    read::{
        EventEntry, EventFilter, EventOrder, SortDirection,
        columns::Columns,
        entry::{EVENT_COLUMNS, EventRows},
    },
};

/// What a cursor of a list holds: the order, the place of the event in it, and whose cursor it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) order: EventOrder,
    pub(super) key: Option<String>,
    pub(super) event_id: String,
    pub(super) list: String,
}

/// An event of a list, and what the list is ordered by.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(super) entry: Arc<EventEntry>,
    pub(super) sort_key: Option<String>,
}

impl Listed {
    pub(super) fn read(events: &mut EventRows, row: &PgRow) -> Result<Self, Error> {
        let entry = Arc::new(events.read(row)?);
        Ok(Self { entry, sort_key: Columns::from(row, EVENT_COLUMNS, false).next()? })
    }
}

/// A list of events, read from its beginning or from its end.
pub(super) struct List<'a> {
    pub(super) order: EventOrder,
    pub(super) page: &'a PageRequest,
}

impl List<'_> {
    pub(super) fn open(
        &self,
        cursors: &Cursors,
        filter: &EventFilter,
        argument: &'static str,
        cursor: Option<&String>,
    ) -> Result<Option<Place>, PageError> {
        let open = |text: &String| {
            let place: Place = cursors.open(text)?;
            let is_ours = place.order == self.order && place.list == filter.fingerprint();
            if is_ours { Ok(place) } else { Err(CursorError::OtherList) }
        };
        cursor.map(open).transpose().map_err(|source| PageError::Cursor { argument, source })
    }

    /// The expression that the list is ordered by, and which way it is read.
    pub(super) fn sort(&self) -> (&'static str, Order) {
        let descending = (self.order.direction == SortDirection::Desc) != self.page.backward;
        (self.order.field.sql().0, if descending { Order::Desc } else { Order::Asc })
    }

    /// Ties go by the event's id. Backward is the same order read from its end.
    pub(super) const fn ties(&self) -> Order {
        if self.page.backward { Order::Desc } else { Order::Asc }
    }

    pub(super) const fn nulls(&self) -> NullOrdering {
        if self.page.backward { NullOrdering::First } else { NullOrdering::Last }
    }

    /// The rows and what a cursor needs of them.
    pub(super) fn select(&self, condition: Condition) -> Select<event_stats::Entity> {
        let (expression, _) = self.sort();
        event_stats::Entity::find()
            .expr_as(Expr::cust(format!("({expression})::text")), "sort_key")
            .filter(condition)
    }

    pub(super) fn ordered(&self, query: Select<event_stats::Entity>) -> Select<event_stats::Entity> {
        let (expression, direction) = self.sort();
        let sort = Expr::cust(expression);
        let query = if self.order.field.nullable() {
            query.order_by_with_nulls(sort, direction, self.nulls())
        } else {
            query.order_by(sort, direction)
        };
        query.order_by(event_stats::Column::EventId, self.ties())
    }

    /// What was read, up to one more than was asked for, in the order of reading.
    pub(super) fn page(&self, cursors: &Cursors, filter: EventFilter, read: Arc<[Listed]>) -> Page {
        let limit = usize::try_from(self.page.limit).unwrap_or(usize::MAX);
        let (backward, more) = (self.page.backward, read.len() > limit);
        Page {
            count: read.len().min(limit),
            read,
            backward,
            order: self.order,
            filter,
            cursors: cursors.clone(),
            has_next: if backward { self.page.before.is_some() } else { more },
            has_previous: if backward { more } else { self.page.after.is_some() },
        }
    }
}

/// What comes after a place in the order, or before it.
pub(super) fn beyond(place: &Place, before: bool) -> Condition {
    let (expression, kind) = place.order.field.sql();
    let id = place.event_id.as_str();
    let id_operator = if before { '<' } else { '>' };
    let Some(key) = &place.key else {
        // Nulls come last, among themselves by id.
        let among_nulls = Condition::all()
            .add(Expr::cust(format!("{expression} IS NULL")))
            .add(Expr::cust_with_values(format!("event_stats.event_id {id_operator} $1"), [id]));
        return if before {
            Condition::any().add(Expr::cust(format!("{expression} IS NOT NULL"))).add(among_nulls)
        } else {
            among_nulls
        };
    };
    let descending = place.order.direction == SortDirection::Desc;
    let operator = if descending == before { '>' } else { '<' };
    let mut any = Condition::any()
        .add(Expr::cust_with_values(format!("{expression} {operator} $1::{kind}"), [key.as_str()]))
        .add(
            Condition::all()
                .add(Expr::cust_with_values(format!("{expression} = $1::{kind}"), [key.as_str()]))
                .add(Expr::cust_with_values(format!("event_stats.event_id {id_operator} $1"), [id])),
        );
    if place.order.field.nullable() && !before {
        any = any.add(Expr::cust(format!("{expression} IS NULL")));
    }
    any
}
