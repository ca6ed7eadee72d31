//! The marks of processed messages, under the ERD's key. They are there for others to see; nothing here believes them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::sleep;

use super::{PROCESSED_TTL, key};
use crate::redis::Redis;

/// Marks that are on their way together.
const AT_ONCE: usize = 250;
/// Between them, so that there are 5,000 a second at most: a mark costs Redis about a tenth of what its message costs
/// PostgreSQL, and a consumer with a backlog takes several times as many messages.
const PAUSE: Duration = Duration::from_millis(50);
/// Marks that may wait. Of more, the oldest are left out: their messages are the least likely to come again.
const WAITING: usize = 50_000;

/// Sets marks in the background.
#[derive(Clone)]
pub(super) struct Marks {
    redis: Redis,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    ids: VecDeque<String>,
    /// Whether somebody is setting them.
    is_tended: bool,
}

impl Waiting {
    fn add(&mut self, ids: Vec<String>) {
        self.ids.extend(ids);
        let surplus = self.ids.len().saturating_sub(WAITING);
        self.ids.drain(..surplus);
    }

    /// The next that are to be set; whoever is told that there are none tends them no more.
    fn take(&mut self) -> Vec<String> {
        let count = self.ids.len().min(AT_ONCE);
        self.is_tended = count > 0;
        self.ids.drain(..count).collect()
    }
}

impl Marks {
    pub(super) fn new(redis: Redis) -> Self {
        Self { redis, waiting: Arc::default() }
    }

    /// Marks messages whose effects are committed. What is not set when the process ends never is.
    pub(super) fn set(&self, ids: Vec<String>) {
        let mut waiting = self.lock();
        waiting.add(ids);
        if waiting.is_tended || waiting.ids.is_empty() {
            return;
        }
        waiting.is_tended = true;
        drop(waiting);
        tokio::spawn(self.clone().tend());
    }

    async fn tend(self) {
        loop {
            let ids = self.lock().take();
            if ids.is_empty() {
                return;
            }
            // Each by a command of its own, which takes the server two thirds of what it takes from a script.
            let mark = |id: &String| {
                let mut command = redis::cmd("SET");
                command.arg(key::processed(id)).arg(1).arg("EX").arg(PROCESSED_TTL.as_secs());
                command
            };
            let marks = ids.iter().map(mark).collect();
            let _: Option<()> = self.redis.ask(|connection| async move { connection.run(marks).await }).await;
            sleep(PAUSE).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: std::ops::Range<usize>) -> Vec<String> {
        numbers.map(|number| number.to_string()).collect()
    }

    #[test]
    fn marks_are_set_in_order_some_at_a_time() {
        let mut waiting = Waiting { is_tended: true, ..Waiting::default() };
        waiting.add(ids(0..AT_ONCE));
        waiting.add(ids(AT_ONCE..AT_ONCE + 1));
        assert_eq!(waiting.take(), ids(0..AT_ONCE));
        assert_eq!(waiting.take(), ids(AT_ONCE..AT_ONCE + 1));
        assert!(waiting.is_tended);
        assert_eq!(waiting.take(), ids(0..0));
        assert!(!waiting.is_tended, "whoever comes next has to set them");
    }

    #[test]
    fn of_more_than_may_wait_the_newest_are_kept() {
        let mut waiting = Waiting::default();
        waiting.add(ids(0..10));
        waiting.add(ids(10..WAITING + 3));
        assert_eq!(waiting.ids.len(), WAITING);
        assert_eq!(waiting.take().first().map(String::as_str), Some("3"));
    }
}
