use std::sync::Arc;

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio_stream::StreamMap;

use crate::execution::Answer;

/// More than a page of charts needs, and little enough to bound what one socket can hold.
pub(super) const MOST: usize = 100;

/// What an operation brings forth.
pub(super) enum Event {
    Answer(Answer),
    /// It came to its end by itself.
    Done,
}

/// The operations of one socket that are under way.
#[derive(Default)]
pub(super) struct Operations(StreamMap<Arc<str>, BoxStream<'static, Event>>);

impl Operations {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.0.keys().any(|known| &**known == id)
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn start(&mut self, id: &str, answers: impl Stream<Item = Answer> + Send + 'static) {
        let events = answers.map(Event::Answer).chain(stream::once(async { Event::Done }));
        self.0.insert(Arc::from(id), events.boxed());
    }

    /// Drops an operation with all that it holds.
    pub(super) fn stop(&mut self, id: &str) {
        let known = self.0.keys().find(|known| &***known == id).cloned();
        if let Some(id) = known {
            self.0.remove(&id);
        }
    }

    /// What happens next in any of them. Never ends by itself while there are none.
    pub(super) async fn next(&mut self) -> Option<(Arc<str>, Event)> {
        self.0.next().await
    }
}
