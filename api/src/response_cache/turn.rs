use tokio::sync::watch;

use super::{Question, ResponseCache};
use crate::execution::Rendered;

/// The right to answer a question, and to keep the answer. When the first who has it drops it, those who wait look
/// again.
pub(crate) struct Turn<'a> {
    cache: &'a ResponseCache,
    question: Question,
    /// Held by the first only.
    done: Option<watch::Sender<()>>,
}

impl<'a> Turn<'a> {
    pub(super) fn first(cache: &'a ResponseCache, question: Question, done: watch::Sender<()>) -> Self {
        Self { cache, question, done: Some(done) }
    }

    pub(super) fn late(cache: &'a ResponseCache, question: Question) -> Self {
        Self { cache, question, done: None }
    }

    /// Keeps the answer, if it is one that may be kept.
    pub(crate) fn keep(self, rendered: &mut Rendered) {
        self.cache.keep(&self.question, rendered);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.done.is_some() {
            self.cache.done(&self.question);
        }
    }
}
