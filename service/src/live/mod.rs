//! Following numbers as they change.
//!
//! A commit raises the cache's fence first and is announced second, so whoever is told of a change and then asks gets
//! at least that change. A follower joins the hub first, reads its snapshot second and then passes on only what is
//! newer: no gap, no overlap.

mod bus;
mod chart;
mod cursor;
mod drawing;
mod event;
mod hub;
mod outbox;
mod pace;
mod patience;
mod recent;
mod step;
mod timeline;
mod user;

use std::{sync::Arc, time::Duration};

pub(crate) use bus::Bus;
pub(crate) use cursor::TimelineBookmark;
pub(crate) use hub::Hub;
pub(crate) use outbox::Outbox;
pub(crate) use recent::Heard;

pub use event::{EventStep, EventUpdate};
pub use step::StepKey;
pub use timeline::{LiveTimelineSpec, TimelineStep, TimelineUpdate};
pub use user::{UserStep, UserUpdate};

use self::drawing::{Gallery, Lost, Numbers};
use crate::{
    Error,
    cursor::CursorError,
    domain::{EventId, UserId, UserOverview},
    read::EventEntry,
    timeline::RangeError,
};

/// What is being drawn in this process.
#[derive(Debug)]
pub(crate) struct Drawings {
    charts: Gallery<(EventId, LiveTimelineSpec), chart::Picture>,
    events: Gallery<EventId, Option<Arc<EventEntry>>>,
    users: Gallery<UserId, Arc<UserOverview>>,
}

impl Drawings {
    pub(crate) fn new() -> Self {
        let numbers = Numbers::new();
        Self { charts: Gallery::new(&numbers), events: Gallery::new(&numbers), users: Gallery::new(&numbers) }
    }
}

/// Where to go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The cursor of the last update that was seen.
    pub cursor: String,
    /// How long after it was given out a cursor can be resumed from.
    pub within: Duration,
}

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

impl From<Lost> for LiveError {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}
