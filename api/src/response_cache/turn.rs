use std::sync::Arc;

use tokio::sync::watch;

use super::{Kept, Question, ResponseCache};
use crate::execution::Rendered;

/// The right to answer a question, and to keep the answer and tell it to those who wait for it. When it is dropped, they
/// look again.
pub(crate) struct Turn<'a> {
    cache: &'a ResponseCache,
    question: Question,
    /// `None` where nobody waits for it.
    done: Option<watch::Sender<Option<Arc<Kept>>>>,
}

impl<'a> Turn<'a> {
    pub(super) fn for_all(
        cache: &'a ResponseCache,
        question: Question,
        done: watch::Sender<Option<Arc<Kept>>>,
    ) -> Self {
        Self { cache, question, done: Some(done) }
    }

    pub(super) fn alone(cache: &'a ResponseCache, question: Question) -> Self {
        Self { cache, question, done: None }
    }

    /// Keeps the answer and tells it, if it is one that others may be given.
    pub(crate) fn keep(mut self, rendered: &mut Rendered) {
        let answer = self.cache.keep(&self.question, rendered);
        if let Some(done) = self.end() {
            // Nobody may be waiting.
            done.send(answer).ok();
        }
    }

    /// Whoever looks from now on does not find this turn any more. In this order: whoever was told must not find it.
    fn end(&mut self) -> Option<watch::Sender<Option<Arc<Kept>>>> {
        let done = self.done.take()?;
        self.cache.done(&self.question);
        Some(done)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        drop(self.end());
    }
}
