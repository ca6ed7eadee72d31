//! Following numbers as they change.
//!
//! A commit raises the cache's fence first and is announced second, so whoever is told of a change and then asks gets
//! at least that change. A follower joins the hub first, reads its snapshot second and then passes on only what is
//! newer: no gap, no overlap.

mod bus;
mod chart;
mod cursor;
mod event;
mod hub;
mod outbox;
mod patience;
mod timeline;
mod user;

pub(crate) use bus::Bus;
pub(crate) use chart::Charts;
pub(crate) use cursor::timeline_cursor;
pub(crate) use hub::Hub;
pub(crate) use outbox::Outbox;

pub use event::EventUpdate;
pub use timeline::{LiveTimelineSpec, TimelineUpdate};
pub use user::UserUpdate;

use crate::{Error, cursor::CursorError, timeline::RangeError};

/// What an update is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateKind {
    /// Everything, to begin with.
    Snapshot,
    /// What changed since, as absolute values.
    Delta,
}

/// Why a stream ends.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The viewer may not see it, or no longer.
    #[error("not the viewer's")]
    Forbidden,
    /// The cursor is too old, or of numbers that are no more.
    #[error("too much has happened since the cursor: begin again without one")]
    ResyncRequired,
    /// The cursor is none of this stream.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The range can't be answered.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// What it is made from can't be read any more; the log says why.
    #[error("the stream broke off")]
    Lost,
    /// The database.
    #[error(transparent)]
    Service(#[from] Error),
}
