use std::sync::Arc;

use super::{
    channel::StoredChannels,
    entry::DescribedEvents,
    page::FirstPages,
    spending::SpentOnChannels,
    timeline::{SeriesOver, StoredExtents},
    user::Overviews,
};
use crate::readers::{Gather, Readers};

/// What is looked up for several requests at once.
pub(crate) struct Gathers {
    pub(super) events: Gather<DescribedEvents>,
    pub(super) channels: Gather<StoredChannels>,
    pub(super) spending: Gather<SpentOnChannels>,
    pub(super) extents: Gather<StoredExtents>,
    pub(super) series: Gather<SeriesOver>,
    pub(super) pages: Gather<FirstPages>,
    pub(super) users: Gather<Overviews>,
}

impl Gathers {
    pub(crate) fn new(readers: &Arc<Readers>) -> Self {
        let readers = || Arc::clone(readers);
        Self {
            events: Gather::new(readers()),
            channels: Gather::new(readers()),
            spending: Gather::new(readers()),
            extents: Gather::new(readers()),
            series: Gather::new(readers()),
            pages: Gather::new(readers()),
            users: Gather::new(readers()),
        }
    }
}
