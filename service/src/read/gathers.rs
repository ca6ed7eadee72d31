use std::sync::Arc;

use super::{
    channel::ReadChannels,
    entry::ReadEvents,
    page::ReadOutermostPages,
    spending::ReadSpending,
    timeline::{ReadExtents, ReadSeries},
    user::ReadOverviews,
};
use crate::readers::{Gather, Readers};

/// What is looked up for several requests at once.
pub(crate) struct Gathers {
    pub(super) events: Gather<ReadEvents>,
    pub(super) channels: Gather<ReadChannels>,
    pub(super) spending: Gather<ReadSpending>,
    pub(super) extents: Gather<ReadExtents>,
    pub(super) series: Gather<ReadSeries>,
    pub(super) pages: Gather<ReadOutermostPages>,
    pub(super) users: Gather<ReadOverviews>,
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
