use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;

use super::loaders::{Loaders, Reader};

/// The loaders of what is being executed.
///
/// A request has one set from its beginning to its end. A subscription gets a fresh one before each update, so that no
/// update shows what an earlier one read; updates are resolved one after the other, so none sees the next one's set.
pub(crate) struct LoaderSlot(Mutex<Arc<Loaders>>);

impl LoaderSlot {
    pub(crate) fn new(reader: Reader) -> Self {
        Self(Mutex::new(Arc::new(Loaders::new(reader))))
    }

    fn current(&self) -> Arc<Loaders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn renew(&self) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(Loaders::new(current.reader().clone()));
    }
}

pub(super) fn loaders(ctx: &Context<'_>) -> Arc<Loaders> {
    slot(ctx).current()
}

pub(super) fn slot(ctx: &Context<'_>) -> Arc<LoaderSlot> {
    ctx.data_unchecked::<Arc<LoaderSlot>>().clone()
}
