use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::Context;

use super::loaders::{Loaders, Reader};

/// The loaders of what is being executed: a request has one set from its beginning to its end, and so has each update of
/// a subscription, so that none shows what an earlier one read. Only a mutation takes a new set for what it changed.
pub(crate) struct LoaderSlot(Mutex<Arc<Loaders>>);

impl LoaderSlot {
    pub(crate) fn new(reader: Reader) -> Self {
        Self(Mutex::new(Arc::new(Loaders::new(reader))))
    }

    fn current(&self) -> MutexGuard<'_, Arc<Loaders>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn slot<'a>(ctx: &Context<'a>) -> &'a LoaderSlot {
    ctx.data_unchecked::<Arc<LoaderSlot>>()
}

pub(super) fn loaders(ctx: &Context<'_>) -> Arc<Loaders> {
    Arc::clone(&slot(ctx).current())
}

/// Forgets what was read.
pub(super) fn renew(ctx: &Context<'_>) {
    let mut current = slot(ctx).current();
    *current = Arc::new(Loaders::new(current.reader().clone()));
}
