use std::sync::Arc;

use entity::event_stats;
use sea_orm::{
    Condition, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, NullOrdering, Order},
};
use serde::{Deserialize, Serialize};

use super::{EventEntry, EventFilter, EventOrder, SortDirection, entry::event};
use crate::{Error, Service, cursor::CursorError, domain::Viewer};

/// The most that one page holds.
pub const MAX_PAGE: i32 = 100;
/// What a page holds where nothing is said.
const DEFAULT_PAGE: u64 = 20;

/// A part of a list, as Relay's connections ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    limit: u64,
    backward: bool,
    after: Option<String>,
    before: Option<String>,
}

impl PageRequest {
    /// Takes the arguments of a connection.
    ///
    /// # Errors
    /// [`PageError`] where both `first` and `last` are given, or one is below 0 or above [`MAX_PAGE`].
    pub fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Self, PageError> {
        let limit = |argument, value| {
            u64::try_from(value)
                .ok()
                .filter(|_| value <= MAX_PAGE)
                .ok_or(PageError::Limit { argument, value })
        };
        let (limit, backward) = match (first, last) {
            (Some(_), Some(_)) => return Err(PageError::FirstWithLast),
            (Some(first), None) => (limit("first", first)?, false),
            (None, Some(last)) => (limit("last", last)?, true),
            (None, None) => (DEFAULT_PAGE, false),
        };
        Ok(Self { limit, backward, after, before })
    }

    /// How many it asks for at most.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// Each with its cursor.
    pub edges: Vec<(String, Arc<EventEntry>)>,
    /// Whether more follows.
    pub has_next: bool,
    /// Whether something comes before.
    pub has_previous: bool,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Relay's connections go one way.
    #[error("give either `first` or `last`, not both")]
    FirstWithLast,
    /// Too many, or less than none.
    #[error("{argument} is {value}; 0 to {MAX_PAGE} are allowed")]
    Limit {
        /// `first` or `last`.
        argument: &'static str,
        /// As given.
        value: i32,
    },
    /// A cursor that was not given out for this list.
    #[error("{argument}: {source}")]
    Cursor {
        /// `after` or `before`.
        argument: &'static str,
        /// What is wrong with it.
        source: CursorError,
    },
    /// The database.
    #[error(transparent)]
    Service(#[from] Error),
}

/// What a cursor of this list holds: the order, and the place of the event in it.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    order: EventOrder,
    key: Option<String>,
    event_id: String,
}

#[derive(FromQueryResult)]
struct Row {
    #[sea_orm(nested)]
    model: event_stats::Model,
    sort_key: Option<String>,
}

impl Service {
    /// A page of the events that the filter selects and the viewer may see.
    ///
    /// # Errors
    /// A cursor of another list, or what the database says.
    pub async fn events_page(
        &self,
        viewer: &Viewer,
        filter: &EventFilter,
        order: EventOrder,
        page: &PageRequest,
    ) -> Result<Page, PageError> {
        let installation = self.installation().await?;
        let open = |argument, cursor: &Option<String>| {
            cursor
                .as_deref()
                .map(|text| {
                    let place: Place = installation.cursors.open(text)?;
                    if place.order == order { Ok(place) } else { Err(CursorError::OtherList) }
                })
                .transpose()
                .map_err(|source| PageError::Cursor { argument, source })
        };
        let after = open("after", &page.after)?;
        let before = open("before", &page.before)?;

        let (expression, _) = order.field.sql();
        let descending = (order.direction == SortDirection::Desc) != page.backward;
        let mut query = event_stats::Entity::find()
            .expr_as(Expr::cust(format!("({expression})::text")), "sort_key")
            .filter(filter.condition(viewer));
        if let Some(place) = &after {
            query = query.filter(beyond(place, false));
        }
        if let Some(place) = &before {
            query = query.filter(beyond(place, true));
        }
        // Backward is the same order read from its end, nulls included.
        let nulls = if page.backward { NullOrdering::First } else { NullOrdering::Last };
        let direction = if descending { Order::Desc } else { Order::Asc };
        let sort = Expr::cust(expression);
        query = if order.field.nullable() {
            query.order_by_with_nulls(sort, direction, nulls)
        } else {
            query.order_by(sort, direction)
        };
        let mut rows = query
            .order_by(event_stats::Column::EventId, if page.backward { Order::Desc } else { Order::Asc })
            .limit(page.limit + 1)
            .into_model::<Row>()
            .all(self.database())
            .await
            .map_err(Error::from)?;
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        if page.backward {
            rows.reverse();
        }
        let edges = rows
            .into_iter()
            .map(|row| {
                let place = Place { order, key: row.sort_key, event_id: row.model.event_id.clone() };
                let entry = Arc::new(EventEntry { event: event(row.model)?, channels: None });
                Ok((installation.cursors.seal(&place), entry))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Page {
            edges,
            has_next: if page.backward { before.is_some() } else { more },
            has_previous: if page.backward { more } else { after.is_some() },
        })
    }

    /// How many events the filter selects.
    ///
    /// # Errors
    /// What the database says.
    pub async fn events_count(&self, viewer: &Viewer, filter: &EventFilter) -> Result<i64, Error> {
        let count =
            event_stats::Entity::find().filter(filter.condition(viewer)).count(self.database()).await?;
        Ok(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// What comes after a place in the order, or before it.
fn beyond(place: &Place, before: bool) -> Condition {
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
