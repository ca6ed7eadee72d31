use std::{collections::HashSet, sync::Arc};

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio_stream::StreamMap;

use crate::execution::Sent;

/// More than a page of charts needs, and little enough to bound what one socket can hold.
pub(super) const MOST: usize = 100;

/// What an operation brings forth.
pub(super) enum Event {
    Answer(Arc<Sent>),
    /// It came to its end by itself.
    Done,
}

/// The operations of one socket that are under way.
#[derive(Default)]
pub(super) struct Operations {
    all: StreamMap<Arc<str>, BoxStream<'static, Event>>,
    /// Queries and mutations: they come to an end by themselves.
    finite: HashSet<Arc<str>>,
}

impl Operations {
    pub(super) fn contains(&self, id: &str) -> bool {
        self.all.keys().any(|known| &**known == id)
    }

    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= MOST
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn start(
        &mut self,
        id: &str,
        is_finite: bool,
        answers: impl Stream<Item = Arc<Sent>> + Send + 'static,
    ) {
        let events = answers.map(Event::Answer).chain(stream::iter([Event::Done]));
        let id: Arc<str> = Arc::from(id);
        if is_finite {
            self.finite.insert(Arc::clone(&id));
        }
        self.all.insert(id, events.boxed());
    }

    /// Drops an operation with all that it holds.
    pub(super) fn stop(&mut self, id: &str) {
        self.finite.remove(id);
        let known = self.all.keys().find(|known| &***known == id).cloned();
        if let Some(id) = known {
            self.all.remove(&id);
        }
    }

    /// Drops those that would go on for ever.
    pub(super) fn stop_following(&mut self) {
        let endless: Vec<_> = self.all.keys().filter(|id| !self.finite.contains(*id)).cloned().collect();
        for id in endless {
            self.all.remove(&id);
        }
    }

    /// What happens next in any of them. Never ends by itself while there are none.
    pub(super) async fn next(&mut self) -> Option<(Arc<str>, Event)> {
        self.all.next().await
    }
}
