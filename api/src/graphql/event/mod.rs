//! Events: one, its return on investment, its funnel, and lists of them.

mod analytics;
mod connection;
mod filter;
mod forecast;
mod funnel;
mod order;
mod roi;

pub(crate) use analytics::{EventAnalytics, read_with};
pub(crate) use connection::{EventConnection, Paging, page_cost};
pub(crate) use filter::EventFilter;
pub(crate) use order::{EventOrder, SortDirection};
