mod list;
mod outermost;

use std::{collections::HashMap, sync::Arc};

use entity::event_stats;
use sea_orm::{
    DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, SimpleExpr},
};

use self::list::{List, Listed, Place, beyond};
pub(super) use self::outermost::ReadOutermostPages;
use super::{
    EventEntry, EventFilter, EventOrder, With,
    entry::{EVENT_COLUMNS, EventRows, texts},
    filter::any,
};
use crate::{
    Error, Service,
    cursor::{CursorError, Cursors},
    domain::{UserId, Viewer},
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
    /// In the order of reading; there may be one more than the page has.
    read: Arc<[Listed]>,
    count: usize,
    /// Whether they were read from the last to the first.
    backward: bool,
    order: EventOrder,
    /// Of the list.
    filter: EventFilter,
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
        (0..self.count).map(|index| &self.read[self.place(index)].entry)
    }

    /// The cursor of the event at a place of the page. Signed only when it is asked for.
    #[must_use]
    pub fn cursor(&self, index: usize) -> Option<String> {
        if index >= self.count {
            return None;
        }
        let Listed { entry, sort_key } = &self.read[self.place(index)];
        let place = Place {
            order: self.order,
            key: sort_key.clone(),
            event_id: entry.event.event_id.to_string(),
            list: self.filter.fingerprint(),
        };
        Some(self.cursors.seal(&place))
    }

    /// Where an event of the page stands in what was read.
    const fn place(&self, index: usize) -> usize {
        if self.backward { self.count - 1 - index } else { index }
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
        let list = List { order, page };
        let after = list.open(cursors, filter, "after", page.after.as_ref())?;
        let before = list.open(cursors, filter, "before", page.before.as_ref())?;
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
        let mut events = EventRows::new(With::Nothing, EVENT_COLUMNS);
        let read = rows.iter().map(|row| Listed::read(&mut events, row));
        let page = list.page(cursors, filter.clone(), read.collect::<Result<_, Error>>()?);
        self.note_read(page.entries());
        Ok(page)
    }

    /// The same page of each of these users' events; the first or the last of a list is read `with` channels or without.
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
        with: With,
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
        let outermost = ReadOutermostPages { filter: filter.clone(), order, page: page.clone(), with };
        let mut read = self.gathers().pages.ask(&outermost, visible).await?;
        let pages = users.iter().map(|user| {
            let page =
                List { order, page }.page(cursors, filter.of(user), read.remove(user).unwrap_or_default());
            (user.clone(), Ok(page))
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
