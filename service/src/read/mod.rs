//! Reading: every finder takes the viewer, or something that only a finder with a viewer gives out.

mod carry;
mod channel;
mod columns;
mod entry;
mod filter;
mod forecast;
mod gathers;
mod page;
mod ranking;
mod spending;
mod timeline;
mod user;
mod value;

pub use entry::{EventEntry, NotHeld, With};
pub use filter::{EventFilter, EventOrder, EventOrderField, SortDirection};
pub use forecast::ForecastSpec;
pub(crate) use gathers::Gathers;
pub use page::{MAX_PAGE, Page, PageError, PageRequest};
pub use ranking::{ChannelGrouping, RankingQuery};
pub use spending::Spending;
pub use timeline::{ComparedTimeline, Timeline, TimelineSpec, Timelines};
pub(crate) use timeline::{StoredExtent, StoredSeries};
