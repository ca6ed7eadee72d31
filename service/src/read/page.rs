use std::{collections::HashMap, sync::Arc};

use entity::event_stats;
use sea_orm::{
    Condition, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select, Statement, Values,
    sea_query::{Expr, NullOrdering, Order, SimpleExpr},
};
use serde::{Deserialize, Serialize};

use super::{
    EventEntry, EventFilter, EventOrder, SortDirection,
    columns::Columns,
    entry::{event, texts},
    filter::any,
};
use crate::{
    Error, Service,
    cursor::{CursorError, Cursors},
    domain::{UserId, Viewer},
    readers::{Readers, Reading},
};

/// The most that one page holds.
pub const MAX_PAGE: i32 = 100;
/// What a page holds where nothing is said.
const DEFAULT_PAGE: u64 = 20;

/// A part of a list, as Relay's connections ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

    /// Whether it is the first page of its list, or the last: the same for any list.
    const fn is_outermost(&self) -> bool {
        self.after.is_none() && self.before.is_none()
    }

    /// What is read: one more says whether there are more.
    const fn read(&self) -> u64 {
        self.limit + 1
    }
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// Each with its place in the list.
    edges: Vec<(Place, Arc<EventEntry>)>,
    cursors: Cursors,
    /// Whether more follows.
    pub has_next: bool,
    /// Whether something comes before.
    pub has_previous: bool,
}

impl Page {
    /// Its events, in their order.
    #[must_use]
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Arc<EventEntry>> {
        self.edges.iter().map(|(_, entry)| entry)
    }

    /// The cursor of the event at a place of the page. Signed only when it is asked for.
    #[must_use]
    pub fn cursor(&self, index: usize) -> Option<String> {
        self.edges.get(index).map(|(place, _)| self.cursors.seal(place))
    }
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

/// What a cursor of a list holds: the order, the place of the event in it, and whose cursor it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    order: EventOrder,
    key: Option<String>,
    event_id: String,
    list: String,
}

/// An event of a list, and what the list is ordered by.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    entry: Arc<EventEntry>,
    sort_key: Option<String>,
}

impl Listed {
    fn read(columns: &mut Columns<'_>) -> Result<Self, Error> {
        let event = event(columns)?;
        Ok(Self { entry: Arc::new(EventEntry { event, channels: None }), sort_key: columns.next()? })
    }
}

/// A list of events, read from its beginning or from its end.
struct List<'a> {
    order: EventOrder,
    page: &'a PageRequest,
    fingerprint: String,
}

impl List<'_> {
    fn open(
        &self,
        cursors: &Cursors,
        argument: &'static str,
        cursor: Option<&String>,
    ) -> Result<Option<Place>, PageError> {
        let open = |text: &String| {
            let place: Place = cursors.open(text)?;
            let is_ours = place.order == self.order && place.list == self.fingerprint;
            if is_ours { Ok(place) } else { Err(CursorError::OtherList) }
        };
        cursor.map(open).transpose().map_err(|source| PageError::Cursor { argument, source })
    }

    /// The expression that the list is ordered by, and which way it is read.
    fn sort(&self) -> (&'static str, Order) {
        let descending = (self.order.direction == SortDirection::Desc) != self.page.backward;
        (self.order.field.sql().0, if descending { Order::Desc } else { Order::Asc })
    }

    /// Ties go by the event's id. Backward is the same order read from its end.
    const fn ties(&self) -> Order {
        if self.page.backward { Order::Desc } else { Order::Asc }
    }

    const fn nulls(&self) -> NullOrdering {
        if self.page.backward { NullOrdering::First } else { NullOrdering::Last }
    }

    /// The rows and what a cursor needs of them.
    fn select(&self, condition: Condition) -> Select<event_stats::Entity> {
        let (expression, _) = self.sort();
        event_stats::Entity::find()
            .expr_as(Expr::cust(format!("({expression})::text")), "sort_key")
            .filter(condition)
    }

    fn ordered(&self, query: Select<event_stats::Entity>) -> Select<event_stats::Entity> {
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
    fn page(&self, cursors: &Cursors, mut rows: Vec<Listed>) -> Page {
        let limit = usize::try_from(self.page.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        if self.page.backward {
            rows.reverse();
        }
        let edges = rows.into_iter().map(|Listed { entry, sort_key }| {
            let place = Place {
                order: self.order,
                key: sort_key,
                event_id: entry.event.event_id.to_string(),
                list: self.fingerprint.clone(),
            };
            (place, entry)
        });
        Page {
            edges: edges.collect(),
            cursors: cursors.clone(),
            has_next: if self.page.backward { self.page.before.is_some() } else { more },
            has_previous: if self.page.backward { more } else { self.page.after.is_some() },
        }
    }
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
        let cursors = &self.installation().await?.cursors;
        let list = List { order, page, fingerprint: filter.fingerprint() };
        let after = list.open(cursors, "after", page.after.as_ref())?;
        let before = list.open(cursors, "before", page.before.as_ref())?;
        let mut query = list.select(filter.condition(viewer));
        if let Some(place) = &after {
            query = query.filter(beyond(place, false));
        }
        if let Some(place) = &before {
            query = query.filter(beyond(place, true));
        }
        let mut statement = list.ordered(query).build(DbBackend::Postgres);
        // Not as a parameter: PostgreSQL would plan for a tenth of the table, and sort it.
        statement.sql = format!("{} LIMIT {}", statement.sql, page.read());
        let rows = self.readers().statement(&statement).await.map_err(Error::from)?;
        let read = rows.iter().map(|row| Listed::read(&mut Columns::from(row, 0)));
        let rows = read.collect::<Result<_, Error>>()?;
        let page = list.page(cursors, rows);
        self.note_read(page.entries());
        Ok(page)
    }

    /// The same page of each of these users' events.
    ///
    /// # Errors
    /// What the database says. A cursor belongs to one list, so that of one user's is refused for all others.
    pub async fn user_pages(
        &self,
        viewer: &Viewer,
        users: &[UserId],
        filter: &EventFilter,
        order: EventOrder,
        page: &PageRequest,
    ) -> Result<HashMap<UserId, Result<Page, PageError>>, Error> {
        if !page.is_outermost() {
            let mut pages = HashMap::with_capacity(users.len());
            for user in users {
                let read = self.events_page(viewer, &filter.of(user), order, page).await;
                pages.insert(user.clone(), read);
            }
            return Ok(pages);
        }
        let cursors = &self.installation().await?.cursors;
        let visible = users.iter().filter(|user| viewer.may_see(user)).cloned().collect();
        let reading = FirstPages { filter: filter.clone(), order, page: page.clone() };
        let mut rows = self.gathers().pages.ask(&reading, visible).await?;
        let pages = users.iter().map(|user| {
            let list = List { order, page, fingerprint: filter.of(user).fingerprint() };
            let rows = rows.remove(user).map(|rows| rows.to_vec()).unwrap_or_default();
            (user.clone(), Ok(list.page(cursors, rows)))
        });
        let pages: HashMap<UserId, Result<Page, PageError>> = pages.collect();
        self.note_read(pages.values().flatten().flat_map(Page::entries));
        Ok(pages)
    }

    /// How many events the filter selects.
    ///
    /// # Errors
    /// What the database says.
    pub async fn events_count(&self, viewer: &Viewer, filter: &EventFilter) -> Result<i64, Error> {
        let count =
            event_stats::Entity::find().filter(filter.condition(viewer)).count(self.readers()).await?;
        Ok(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// How many events of each of these users the filter selects; those without any are left out.
    ///
    /// # Errors
    /// What the database says.
    pub async fn user_counts(
        &self,
        viewer: &Viewer,
        users: &[UserId],
        filter: &EventFilter,
    ) -> Result<HashMap<UserId, i64>, Error> {
        let counts: Vec<(String, i64)> = event_stats::Entity::find()
            .select_only()
            .column(event_stats::Column::UserId)
            .expr(Expr::cust("count(*)"))
            .filter(filter.condition(viewer))
            .filter(owned_by(users))
            .group_by(event_stats::Column::UserId)
            .into_tuple()
            .all(self.readers())
            .await?;
        Ok(counts.into_iter().map(|(user, count)| (UserId::trusted(&user), count)).collect())
    }
}

pub(super) fn owned_by(users: &[UserId]) -> SimpleExpr {
    any("event_stats.user_id", texts(users.iter().map(UserId::as_str)))
}

/// Looks up the outermost page of users' lists, whoever may see them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FirstPages {
    filter: EventFilter,
    order: EventOrder,
    page: PageRequest,
}

impl FirstPages {
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

impl Reading for FirstPages {
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
