use std::sync::Arc;

use async_graphql::Context;

use super::loaders::{Loaders, Reader};

/// The loaders of what is being executed: a request has one set from its beginning to its end, and so has each update of
/// a subscription, so that none shows what an earlier one read.
pub(crate) struct LoaderSlot(Arc<Loaders>);

impl LoaderSlot {
    pub(crate) fn new(reader: Reader) -> Self {
        Self(Arc::new(Loaders::new(reader)))
    }
}

pub(super) fn loaders(ctx: &Context<'_>) -> Arc<Loaders> {
    Arc::clone(&ctx.data_unchecked::<Arc<LoaderSlot>>().0)
}
