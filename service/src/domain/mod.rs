//! The words of the domain: identifiers, kinds, and the three statistics as the service speaks of them.

mod breaker;
mod channel;
mod event;
mod granularity;
mod id;
mod timeline;
mod user;
mod viewer;

pub use breaker::BreakerState;
pub use channel::{Channel, ChannelType, LastTold};
pub use event::{Event, EventStatus};
pub use granularity::Granularity;
pub use id::{ChannelName, EventId, InvalidId, Revision, UserId};
pub use timeline::{Bucket, Counters};
pub use user::UserOverview;
pub use viewer::Viewer;
