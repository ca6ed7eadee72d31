use std::sync::Arc;

use async_graphql::{Context, Object};
use futures_util::future::try_join_all;
use service::{
    domain::UserId,
    read::{EventEntry, Page, PageRequest, With},
};

use super::{
    EventAnalytics, EventFilter,
    analytics::read_with,
    order::{EventOrder, Order},
};
use crate::{
    error::Fault,
    graphql::{
        context::loaders,
        faults::page_fault,
        leaf::{Branch, Leaf, Table},
        loaders::Loaders,
        scalar::Long,
    },
};

/// What a page holds where neither `first` nor `last` says it.
const DEFAULT_PAGE: i32 = 20;
/// More is refused when the field is resolved.
const MAX_PAGE: i32 = 100;

/// The cost of a page: its children times as many as it may hold.
pub(crate) fn page_cost(first: Option<i32>, last: Option<i32>, child_complexity: usize) -> usize {
    let size = first.or(last).unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    usize::try_from(size).unwrap_or(1).saturating_mul(child_complexity).saturating_add(1)
}

/// Which part of a list is asked for.
pub(crate) struct Paging {
    pub(crate) order: Option<EventOrder>,
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

pub(crate) struct EventConnection {
    page: Arc<Page>,
    /// The page's events, with their channels where those are asked for.
    entries: Vec<Arc<EventEntry>>,
    filter: service::read::EventFilter,
    /// Whose events they are, where they are one user's.
    owner: Option<UserId>,
}

impl EventConnection {
    /// Of all events that the viewer may see, or of one user's.
    pub(crate) async fn read(
        ctx: &Context<'_>,
        owner: Option<&UserId>,
        filter: Option<EventFilter>,
        paging: Paging,
    ) -> Result<Self, Fault> {
        let filter = EventFilter::read(filter)?;
        let loaders = loaders(ctx);
        let reader = loaders.reader();
        let fault = |error| page_fault(error, &reader.reporter);
        let Paging { order, first, after, last, before } = paging;
        let request = PageRequest::new(first, after, last, before).map_err(fault)?;
        let order = Order::from(order).0;
        let with = asked_of_events(ctx);
        let page = if let Some(owner) = owner {
            loaders.page(owner.clone(), filter.clone(), order, request, with).await?
        } else {
            let page = reader.reads_list(&filter).events_page(&reader.viewer, &filter, order, &request).await;
            Arc::new(page.map_err(fault)?)
        };
        let entries = match with {
            With::Nothing => page.entries().cloned().collect(),
            _ if page.entries().all(|entry| entry.channels.is_some()) => page.entries().cloned().collect(),
            _ => try_join_all(page.entries().map(|entry| whole(&loaders, entry))).await?,
        };
        Ok(Self { page, entries, filter, owner: owner.cloned() })
    }
}

fn asked_of_events(ctx: &Context<'_>) -> With {
    let asked = ctx.look_ahead();
    read_with(&[asked.field("nodes"), asked.field("edges").field("node")])
}

/// The event with its channels: what is asked for of it is then at hand.
async fn whole(loaders: &Loaders, entry: &Arc<EventEntry>) -> Result<Arc<EventEntry>, Fault> {
    if entry.channels.is_some() {
        return Ok(Arc::clone(entry));
    }
    let channels = Some(loaders.channels(entry).await?);
    Ok(Arc::new(EventEntry { event: entry.event.clone(), channels, is_one_look: false }))
}

/// A part of a list of events.
#[Object]
impl EventConnection {
    /// The events of this page, each with its cursor.
    async fn edges(&self) -> Vec<EventEdge> {
        let edge = |(index, entry): (usize, &Arc<EventEntry>)| EventEdge {
            page: Arc::clone(&self.page),
            index,
            node: EventAnalytics(Arc::clone(entry)),
        };
        self.entries.iter().enumerate().map(edge).collect()
    }

    /// The events of this page.
    async fn nodes(&self) -> Table<EventAnalytics> {
        Table(self.entries.iter().cloned().map(EventAnalytics).collect())
    }

    /// Where this page lies in the list.
    async fn page_info(&self) -> Leaf<PageInfo> {
        Leaf(PageInfo(Arc::clone(&self.page)))
    }

    /// How many events the filter selects, on all pages. Counted only where it is asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<Long, Fault> {
        let loaders = loaders(ctx);
        if let Some(owner) = &self.owner {
            return loaders.count(owner.clone(), self.filter.clone()).await.map(Long);
        }
        let reader = loaders.reader();
        let count = reader.reads_list(&self.filter).events_count(&reader.viewer, &self.filter).await;
        count.map(Long).map_err(|error| reader.reporter.service(&error))
    }
}

pub(crate) struct EventEdge {
    page: Arc<Page>,
    index: usize,
    node: EventAnalytics,
}

/// An event on a page.
#[Object]
impl EventEdge {
    /// The place of the event in the list: `after` and `before` take it.
    async fn cursor(&self) -> String {
        self.page.cursor(self.index).unwrap_or_default()
    }

    /// The event.
    async fn node(&self) -> Branch<&EventAnalytics> {
        Branch(&self.node)
    }
}

pub(crate) struct PageInfo(Arc<Page>);

/// Where a page lies in its list.
#[Object]
impl PageInfo {
    /// Whether more follows.
    async fn has_next_page(&self) -> bool {
        self.0.has_next
    }

    /// Whether something comes before.
    async fn has_previous_page(&self) -> bool {
        self.0.has_previous
    }

    /// The cursor of the first event; null where the page is empty.
    async fn start_cursor(&self) -> Option<String> {
        self.0.cursor(0)
    }

    /// The cursor of the last event; null where the page is empty.
    async fn end_cursor(&self) -> Option<String> {
        self.0.cursor(self.0.entries().len().checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_costs_what_it_may_hold() {
        assert_eq!(page_cost(None, None, 3), 61);
        assert_eq!(page_cost(Some(100), None, 3), 301);
        assert_eq!(page_cost(None, Some(5), 3), 16);
        assert_eq!(page_cost(Some(i32::MAX), None, 3), 301);
        assert_eq!(page_cost(Some(-1), None, 3), 4);
        assert_eq!(page_cost(Some(100), None, usize::MAX), usize::MAX);
    }
}
