use std::sync::Arc;

use super::{channel::StoredChannels, entry::DescribedEvents, page::FirstPages, timeline::SeriesOver};
use crate::readers::{Gather, Readers};

/// What is looked up for several requests at once.
pub(crate) struct Gathers {
    pub(super) events: Gather<DescribedEvents>,
    pub(super) channels: Gather<StoredChannels>,
    pub(super) series: Gather<SeriesOver>,
    pub(super) pages: Gather<FirstPages>,
}

impl Gathers {
    pub(crate) fn new(readers: &Arc<Readers>) -> Self {
        let readers = || Arc::clone(readers);
        Self {
            events: Gather::new(readers()),
            channels: Gather::new(readers()),
            series: Gather::new(readers()),
            pages: Gather::new(readers()),
        }
    }
}
