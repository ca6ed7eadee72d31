use std::{ops::Deref, sync::Arc, time::Duration};

use super::queue::{Item, Queue, Taken};

/// The queues of all writers, as the one who fills them sees them.
///
/// What Kafka's client hands out comes in long runs of one partition. While one writer's queue is full, another's messages
/// may lie behind its: then the full one takes more, up to twice as much, so that no writer stands still for another.
#[derive(Debug)]
pub(super) struct Queues {
    all: Vec<Arc<Queue>>,
    taken: Arc<Taken>,
}

impl Queues {
    /// One for each writer, full with that many messages or bytes.
    pub(super) fn new(writers: usize, messages: usize, bytes: usize) -> Self {
        let taken = Arc::<Taken>::default();
        let queue = || Arc::new(Queue::new(messages, bytes, Arc::clone(&taken)));
        Self { all: std::iter::repeat_with(queue).take(writers).collect(), taken }
    }

    pub(super) fn push(&self, writer: usize, item: Item) {
        self.all[writer].push(item);
    }

    /// Whether no more should be read for a writer.
    pub(super) fn is_full(&self, writer: usize) -> bool {
        let queue = &self.all[writer];
        queue.is_full() && (queue.is_overfull() || !self.all.iter().any(|other| other.is_low()))
    }

    /// Waits, without polling Kafka, until more may be read for a writer; whether that was soon enough.
    pub(super) fn wait_for_room(&self, writer: usize, patience: Duration) -> bool {
        self.taken.wait_while(patience, || self.is_full(writer))
    }
}

impl Deref for Queues {
    type Target = [Arc<Queue>];

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::queue::tests::item;

    fn fill(queues: &Queues, writer: usize, count: i64) {
        (0..count).for_each(|offset| queues.push(writer, item(offset)));
    }

    #[tokio::test]
    async fn a_full_queue_takes_more_while_another_writer_has_little() {
        let queues = Queues::new(2, 6, 1 << 20);
        fill(&queues, 1, 6);
        assert!(!queues.is_full(1), "the other one has nothing");
        fill(&queues, 0, 2);
        assert!(queues.is_full(1) && !queues.is_full(0));
        assert!(!queues.wait_for_room(1, Duration::from_millis(1)));
        queues[0].take(1).await.unwrap();
        assert!(queues.wait_for_room(1, Duration::ZERO));
        fill(&queues, 1, 6);
        assert!(queues.is_full(1), "it has twice as much");
    }

    #[test]
    fn the_only_writer_has_nobody_to_wait_for_it() {
        let queues = Queues::new(1, 3, 1 << 20);
        fill(&queues, 0, 3);
        assert!(queues.is_full(0));
    }

    #[test]
    fn room_is_noticed_in_whichever_queue_it_is_made() {
        let queues = Queues::new(2, 3, 1 << 20);
        fill(&queues, 0, 3);
        fill(&queues, 1, 3);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queues.wait_for_room(1, Duration::from_secs(60)));
            queues[0].close();
            assert!(waiting.join().unwrap());
        });
    }
}
