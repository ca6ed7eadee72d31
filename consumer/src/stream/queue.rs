use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::lease::Lease;
use crate::{
    message::{Decoded, Rejection},
    record::Record,
};

/// Bookkeeping around a record's content, roughly.
const OVERHEAD: usize = 512;

/// A record on its way to a writer.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) record: Record,
    pub(super) content: Result<Decoded, Rejection>,
    pub(super) lease: Arc<Lease>,
}

impl Item {
    fn bytes(&self) -> usize {
        self.record.bytes() + OVERHEAD
    }
}

/// Tells whoever waits for room that some queue has less in it.
#[derive(Debug, Default)]
pub(super) struct Taken {
    turn: Mutex<()>,
    told: Condvar,
}

impl Taken {
    fn tell(&self) {
        // Whoever has looked at the queues but does not wait yet holds it.
        drop(self.turn.lock().unwrap_or_else(PoisonError::into_inner));
        self.told.notify_all();
    }

    /// Waits while `condition` holds, no longer than `patience`; whether it has ceased to.
    pub(super) fn wait_while(&self, patience: Duration, condition: impl Fn() -> bool) -> bool {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(turn, patience, |()| condition());
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// What one writer has before it. Whoever fills it asks for room, but is never refused: what was read has to be kept.
#[derive(Debug)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    filled: Notify,
    taken: Arc<Taken>,
    messages: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Inner {
    items: VecDeque<Item>,
    bytes: usize,
    /// How many the writer waits for.
    wanted: usize,
    closed: bool,
}

impl Queue {
    /// A queue that is full with that many messages or bytes.
    pub(super) fn new(messages: usize, bytes: usize, taken: Arc<Taken>) -> Self {
        Self { inner: Mutex::default(), filled: Notify::new(), taken, messages, bytes }
    }

    pub(super) fn push(&self, item: Item) {
        let mut inner = self.lock();
        inner.bytes += item.bytes();
        inner.items.push_back(item);
        let is_enough = inner.items.len() >= inner.wanted || self.fills(&inner, 1, 1);
        drop(inner);
        if is_enough {
            self.filled.notify_one();
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.fills(&self.lock(), 1, 1)
    }

    /// Whether there is twice as much in it as makes it full.
    pub(super) fn is_overfull(&self) -> bool {
        self.fills(&self.lock(), 2, 1)
    }

    /// Whether at least half of it is free.
    pub(super) fn has_room(&self) -> bool {
        !self.fills(&self.lock(), 1, 2)
    }

    /// Whether its writer will soon have nothing left to do.
    pub(super) fn is_low(&self) -> bool {
        !self.fills(&self.lock(), 1, 3)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    /// Waits until there are so many, or it is full or closed.
    pub(super) async fn gather(&self, wanted: usize) {
        loop {
            let filled = self.filled.notified();
            {
                let mut inner = self.lock();
                if inner.closed || inner.items.len() >= wanted || self.fills(&inner, 1, 1) {
                    return;
                }
                inner.wanted = wanted;
            }
            filled.await;
        }
    }

    /// What is there, up to `limit` messages, waiting for the first; whether more is left behind. `None` once closed.
    pub(super) async fn take(&self, limit: usize) -> Option<(Vec<Item>, bool)> {
        loop {
            let filled = self.filled.notified();
            {
                let mut inner = self.lock();
                inner.wanted = 0;
                if inner.closed {
                    return None;
                }
                if !inner.items.is_empty() {
                    let count = limit.min(inner.items.len());
                    let taken: Vec<_> = inner.items.drain(..count).collect();
                    inner.bytes -= taken.iter().map(Item::bytes).sum::<usize>();
                    let more = !inner.items.is_empty();
                    drop(inner);
                    self.taken.tell();
                    return Some((taken, more));
                }
            }
            filled.await;
        }
    }

    /// Ends it: what is left in it is not handed out any more.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.items.clear();
        inner.bytes = 0;
        drop(inner);
        self.filled.notify_one();
        self.taken.tell();
    }

    /// Whether there is at least that fraction in it of what makes it full.
    fn fills(&self, inner: &Inner, dividend: usize, divisor: usize) -> bool {
        let reaches = |amount: usize, full: usize| amount * divisor >= full * dividend;
        reaches(inner.items.len(), self.messages) || reaches(inner.bytes, self.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;
    use crate::message::Code;

    pub(in crate::stream) fn item(offset: i64) -> Item {
        Item {
            record: Record {
                topic: "t".into(),
                partition: 0,
                offset,
                key: None,
                payload: Some(vec![0; 100]),
                headers: Vec::new(),
            },
            content: Err(Rejection::new(Code::EmptyPayload, "")),
            lease: Arc::default(),
        }
    }

    fn queue(messages: usize, bytes: usize) -> Queue {
        Queue::new(messages, bytes, Arc::default())
    }

    #[tokio::test]
    async fn takes_what_is_there_in_order() {
        let queue = queue(10, 1 << 20);
        for offset in 0..5 {
            queue.push(item(offset));
        }
        let (first, more) = queue.take(3).await.unwrap();
        assert_eq!(first.iter().map(|item| item.record.offset).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(more);
        let (rest, more) = queue.take(3).await.unwrap();
        assert_eq!((rest.len(), more, queue.is_empty()), (2, false, true));
    }

    #[tokio::test]
    async fn waits_for_the_first_message() {
        let queue = Arc::new(queue(10, 1 << 20));
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.take(3).await.map(|(items, _)| items.len()) }
        });
        tokio::task::yield_now().await;
        queue.push(item(0));
        assert_eq!(waiting.await.unwrap(), Some(1));
        queue.close();
        assert!(queue.take(3).await.is_none());
    }

    #[tokio::test]
    async fn gathers_until_there_is_enough() {
        let queue = queue(4, 1 << 20);
        queue.push(item(0));
        let mut two = pin!(queue.gather(2));
        assert!(poll!(&mut two).is_pending());
        queue.push(item(1));
        two.await;
        let mut many = pin!(queue.gather(100));
        assert!(poll!(&mut many).is_pending());
        queue.push(item(2));
        assert!(poll!(&mut many).is_pending());
        queue.push(item(3));
        many.await;
        queue.take(4).await.unwrap();
        let mut never = pin!(queue.gather(1));
        assert!(poll!(&mut never).is_pending());
        queue.close();
        never.await;
    }

    #[tokio::test]
    async fn is_full_by_messages_or_by_bytes_and_has_room_at_half() {
        let queue = queue(4, 1 << 20);
        for offset in 0..4 {
            assert!(!queue.is_full());
            queue.push(item(offset));
        }
        assert!(queue.is_full() && !queue.is_overfull());
        queue.take(1).await.unwrap();
        assert!(!queue.is_full() && !queue.has_room());
        queue.take(2).await.unwrap();
        assert!(queue.has_room() && queue.is_low());
        for offset in 0..7 {
            queue.push(item(offset));
        }
        assert!(queue.is_overfull());
        let narrow = self::queue(1000, 1000);
        narrow.push(item(0));
        narrow.push(item(1));
        assert!(narrow.is_full());
    }
}
