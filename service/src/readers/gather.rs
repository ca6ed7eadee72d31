//! What several requests ask for, in one statement. Where much is asked at once, what a statement takes is mostly what it
//! takes to ask: to be sent, received, planned for, begun and ended. So no more than a few statements of a kind are begun
//! at once; whoever asks meanwhile gathers, and the next statement is for all of them.
//!
//! A statement is begun after everybody asked who is answered by it: nobody is told anything older than what they would
//! have read alone.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, time::timeout};
use tracing::Instrument as _;

use super::Readers;
use crate::Error;

/// Statements of a kind that are under way before others gather.
const AT_ONCE: usize = 2;
/// How long somebody gathers at most: those under way may be waiting for something.
const PATIENCE: Duration = Duration::from_millis(20);

/// How things of one kind are looked up, each by its key. What equal ones look up can be looked up in one statement.
pub(crate) trait KeyedRead: Clone + PartialEq + Send + Sync + 'static {
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    type Value: Clone + Send + Sync + 'static;

    /// How many keys are gathered for a statement at most: so many that what it takes to ask no longer counts beside them, and
    /// no more, because one connection to PostgreSQL keeps one of its processors busy.
    fn most(&self) -> usize;

    /// The values of those of these different keys that have one, in one statement.
    fn read(
        &self,
        readers: &Readers,
        keys: Vec<Self::Key>,
    ) -> impl Future<Output = Result<HashMap<Self::Key, Self::Value>, Error>> + Send;
}

type Found<R> = HashMap<<R as KeyedRead>::Key, <R as KeyedRead>::Value>;
/// `None` until there is one.
type Outcome<R> = Option<Result<Arc<Found<R>>, Arc<Error>>>;

/// Those who ask for things of one kind.
pub(crate) struct Gather<R: KeyedRead>(Arc<Shared<R>>);

struct Shared<R: KeyedRead> {
    readers: Arc<Readers>,
    patience: Duration,
    state: Mutex<State<R>>,
}

struct State<R: KeyedRead> {
    under_way: usize,
    /// In the order in which they are begun.
    waiting: VecDeque<Statement<R>>,
    next_number: u64,
}

/// A statement that is not begun.
struct Statement<R: KeyedRead> {
    number: u64,
    read: R,
    keys: HashSet<R::Key>,
    outcome: watch::Sender<Outcome<R>>,
}

/// A statement under way. When it is over, however it ends, the next one begins.
struct UnderWay<R: KeyedRead>(Arc<Shared<R>>);

impl<R: KeyedRead> Drop for UnderWay<R> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way -= 1;
        state.leave_out_abandoned();
        let next = if state.under_way < AT_ONCE { state.waiting.pop_front() } else { None };
        let next = next.map(|statement| state.count_in(statement));
        drop(state);
        self.0.begin(next);
    }
}

/// One that counts as under way and has to be begun once the lock is left.
struct Due<R: KeyedRead>(Statement<R>);

impl<R: KeyedRead> State<R> {
    fn count_in(&mut self, statement: Statement<R>) -> Due<R> {
        self.under_way += 1;
        Due(statement)
    }

    /// Nothing is read for those who have all gone away. While the database hangs that would be ever more.
    fn leave_out_abandoned(&mut self) {
        self.waiting.retain(|statement| statement.outcome.receiver_count() > 0);
    }

    /// Takes part in a statement that is not begun, or makes one.
    fn join(&mut self, read: &R, keys: &[R::Key]) -> (u64, watch::Receiver<Outcome<R>>, Option<Due<R>>) {
        let most = read.most();
        let has_room =
            |statement: &Statement<R>| statement.read == *read && statement.keys.len() + keys.len() <= most;
        if let Some(place) = self.waiting.iter().position(has_room)
            && let Some(statement) = self.waiting.get_mut(place)
        {
            statement.keys.extend(keys.iter().cloned());
            let (number, outcome) = (statement.number, statement.outcome.subscribe());
            let is_full = statement.keys.len() == most;
            let full = if is_full { self.waiting.remove(place) } else { None };
            return (number, outcome, full.map(|statement| self.count_in(statement)));
        }
        self.leave_out_abandoned();
        let number = self.next_number;
        self.next_number += 1;
        let (sender, outcome) = watch::channel(None);
        let keys = keys.iter().cloned().collect();
        let statement = Statement { number, read: read.clone(), keys, outcome: sender };
        if self.under_way < AT_ONCE {
            return (number, outcome, Some(self.count_in(statement)));
        }
        self.waiting.push_back(statement);
        (number, outcome, None)
    }
}

impl<R: KeyedRead> Shared<R> {
    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody who asks can end it by going away. Without a runtime, at the process's end, nobody is told.
    fn begin(self: &Arc<Self>, due: Option<Due<R>>) {
        let Some(Due(Statement { read, keys, outcome, .. })) = due else { return };
        let under_way = UnderWay(Arc::clone(self));
        let Ok(runtime) = Handle::try_current() else { return };
        let answering = async move {
            let found = read.read(&under_way.0.readers, keys.into_iter().collect()).await;
            // Before they are told: they may ask for more at once.
            drop(under_way);
            outcome.send_replace(Some(found.map(Arc::new).map_err(Arc::new)));
        };
        runtime.spawn(answering.in_current_span());
    }

    fn join(self: &Arc<Self>, read: &R, keys: &[R::Key]) -> (u64, watch::Receiver<Outcome<R>>) {
        let (number, outcome, due) = self.state().join(read, keys);
        self.begin(due);
        (number, outcome)
    }

    /// Waits no longer for others.
    fn hurry(self: &Arc<Self>, number: u64) {
        let mut state = self.state();
        let place = state.waiting.iter().position(|statement| statement.number == number);
        let due = place.and_then(|place| state.waiting.remove(place));
        let due = due.map(|statement| state.count_in(statement));
        drop(state);
        self.begin(due);
    }
}

impl<R: KeyedRead> Gather<R> {
    pub(crate) fn new(readers: Arc<Readers>) -> Self {
        Self::with(readers, PATIENCE)
    }

    fn with(readers: Arc<Readers>, patience: Duration) -> Self {
        let state = State { under_way: 0, waiting: VecDeque::new(), next_number: 0 };
        Self(Arc::new(Shared { readers, patience, state: Mutex::new(state) }))
    }

    /// The values of those of these different keys that have one.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn ask(&self, read: &R, keys: Vec<R::Key>) -> Result<Found<R>, Error> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        if keys.len() >= read.most() {
            return read.read(&self.0.readers, keys).await;
        }
        let (number, mut outcome) = self.0.join(read, &keys);
        let is_late = timeout(self.0.patience, outcome.wait_for(Option::is_some)).await.is_err();
        if is_late {
            self.0.hurry(number);
        }
        let told = outcome.wait_for(Option::is_some).await.ok().and_then(|told| told.clone());
        match told {
            Some(Ok(found)) => {
                let part = |key: R::Key| found.get(&key).cloned().map(|value| (key, value));
                Ok(keys.into_iter().filter_map(part).collect())
            }
            Some(Err(error)) if error.is_about_the_server() => Err(Error::Shared(error)),
            // What somebody else asked for may be to blame, or nobody is left to tell.
            Some(Err(_)) | None => read.read(&self.0.readers, keys).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sqlx::{self, postgres::PgConnectOptions};
    use tokio::{sync::Semaphore, task::JoinHandle, time::sleep};

    use super::*;

    const MOST: usize = 4;

    /// Knows what each number has for a double, and tells as soon as it may.
    #[derive(Clone)]
    struct Doubles {
        kind: &'static str,
        may: Arc<Semaphore>,
        read: Arc<Mutex<Vec<Vec<u32>>>>,
    }

    impl PartialEq for Doubles {
        fn eq(&self, other: &Self) -> bool {
            self.kind == other.kind
        }
    }

    impl KeyedRead for Doubles {
        type Key = u32;
        type Value = u32;

        fn most(&self) -> usize {
            MOST
        }

        async fn read(&self, _: &Readers, mut keys: Vec<u32>) -> Result<HashMap<u32, u32>, Error> {
            keys.sort_unstable();
            self.read.lock().unwrap().push(keys.clone());
            self.may.acquire().await.unwrap().forget();
            match self.kind {
                "away" => Err(sqlx::Error::PoolTimedOut.into()),
                "picky" if keys.contains(&13) => Err(Error::Unknown { column: "double" }),
                // As where the statement itself took too long.
                "slow" if keys.contains(&13) => Err(Error::Timeout(sqlx::Error::RowNotFound)),
                _ => Ok(keys.into_iter().filter(|key| *key < 100).map(|key| (key, 2 * key)).collect()),
            }
        }
    }

    struct Asking {
        gather: Arc<Gather<Doubles>>,
        doubles: Doubles,
    }

    impl Asking {
        fn new(kind: &'static str) -> Self {
            Self::with_patience(kind, Duration::from_secs(3600))
        }

        fn with_patience(kind: &'static str, patience: Duration) -> Self {
            let readers = Readers::new(PgConnectOptions::new(), None, 1, Duration::from_secs(1));
            let doubles = Doubles { kind, may: Arc::new(Semaphore::new(0)), read: Arc::default() };
            Self { gather: Arc::new(Gather::with(Arc::new(readers), patience)), doubles }
        }

        /// Asks, up to where there is something to wait for.
        async fn ask(&self, keys: &[u32]) -> JoinHandle<Result<HashMap<u32, u32>, Error>> {
            self.ask_for(self.doubles.clone(), keys).await
        }

        async fn ask_for(&self, of: Doubles, keys: &[u32]) -> JoinHandle<Result<HashMap<u32, u32>, Error>> {
            let (gather, keys) = (Arc::clone(&self.gather), keys.to_vec());
            let asked = tokio::spawn(async move { gather.ask(&of, keys).await });
            self.settle().await;
            asked
        }

        async fn settle(&self) {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }

        async fn tell(&self, statements: usize) {
            self.doubles.may.add_permits(statements);
            self.settle().await;
        }

        fn read(&self) -> Vec<Vec<u32>> {
            self.doubles.read.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn who_asks_while_others_are_answered_is_answered_with_all_who_do() {
        let asking = Asking::new("even");
        let alone = [asking.ask(&[1]).await, asking.ask(&[2]).await];
        let together = [asking.ask(&[3, 200]).await, asking.ask(&[3]).await, asking.ask(&[4]).await];
        assert_eq!(asking.read(), [vec![1], vec![2]]);
        asking.tell(1).await;
        assert_eq!(asking.read(), [vec![1], vec![2], vec![3, 4, 200]]);
        asking.tell(2).await;
        let [first, second] = alone.map(|asked| async { asked.await.unwrap().unwrap() });
        assert_eq!((first.await, second.await), (HashMap::from([(1, 2)]), HashMap::from([(2, 4)])));
        let [two, one, other] = together.map(|asked| async { asked.await.unwrap().unwrap() });
        assert_eq!((two.await, one.await), (HashMap::from([(3, 6)]), HashMap::from([(3, 6)])));
        assert_eq!(other.await, HashMap::from([(4, 8)]));
        let _next = asking.ask(&[5]).await;
        assert_eq!(asking.read().len(), 4, "at once again");
    }

    #[tokio::test]
    async fn nobody_gathers_for_long() {
        let asking = Asking::with_patience("even", Duration::from_millis(1));
        let _stuck = [asking.ask(&[1]).await, asking.ask(&[2]).await];
        let _late = asking.ask(&[3]).await;
        while asking.read().len() < 3 {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(asking.read(), [vec![1], vec![2], vec![3]]);
    }

    #[tokio::test]
    async fn a_full_statement_does_not_wait() {
        let asking = Asking::new("even");
        let _stuck = [asking.ask(&[1]).await, asking.ask(&[2]).await];
        let _full = [asking.ask(&[3, 4]).await, asking.ask(&[5, 6]).await, asking.ask(&[7]).await];
        assert_eq!(asking.read(), [vec![1], vec![2], vec![3, 4, 5, 6]]);
        let _many = asking.ask(&[10, 11, 12, 13, 14]).await;
        assert_eq!(asking.read().last(), Some(&vec![10, 11, 12, 13, 14]), "more than gather");
    }

    #[tokio::test]
    async fn things_of_different_kinds_are_read_apart() {
        let asking = Asking::new("even");
        let _stuck = [asking.ask(&[1]).await, asking.ask(&[2]).await];
        let other = Doubles { kind: "other", ..asking.doubles.clone() };
        let _waiting = [asking.ask(&[3]).await, asking.ask_for(other, &[4]).await, asking.ask(&[5]).await];
        asking.tell(2).await;
        assert_eq!(asking.read(), [vec![1], vec![2], vec![3, 5], vec![4]]);
    }

    #[tokio::test]
    async fn who_goes_away_ends_nothing_for_others() {
        let asking = Asking::new("even");
        let gone = [asking.ask(&[1]).await, asking.ask(&[2]).await, asking.ask(&[3]).await];
        let stays = asking.ask(&[4]).await;
        gone.iter().for_each(JoinHandle::abort);
        asking.settle().await;
        asking.tell(3).await;
        assert_eq!(stays.await.unwrap().unwrap(), HashMap::from([(4, 8)]));
    }

    #[tokio::test]
    async fn all_are_told_at_once_where_the_database_is_away() {
        let asking = Asking::new("away");
        let _first = [asking.ask(&[1]).await, asking.ask(&[2]).await];
        let both = [asking.ask(&[3]).await, asking.ask(&[4]).await];
        asking.tell(3).await;
        for asked in both {
            let error = asked.await.unwrap().unwrap_err();
            assert!(error.is_timeout() && error.kind() == crate::ErrorKind::Transient, "{error}");
        }
        assert_eq!(asking.read().len(), 3);
    }

    #[tokio::test]
    async fn nothing_is_read_for_those_who_have_gone_away() {
        let asking = Asking::new("even");
        let _stuck = [asking.ask(&[1]).await, asking.ask(&[2]).await];
        for number in 0..50 {
            let other = Doubles { kind: ["one", "another"][number % 2], ..asking.doubles.clone() };
            asking.ask_for(other, &[3]).await.abort();
            asking.settle().await;
        }
        assert!(asking.gather.0.state().waiting.len() <= 1);
        asking.tell(2).await;
        assert_eq!(asking.read(), [vec![1], vec![2]]);
    }

    #[tokio::test]
    async fn nobody_fails_for_what_somebody_else_asked() {
        for kind in ["picky", "slow"] {
            let asking = Asking::new(kind);
            let _first = [asking.ask(&[1]).await, asking.ask(&[2]).await];
            let (to_blame, other) = (asking.ask(&[13]).await, asking.ask(&[4]).await);
            asking.tell(5).await;
            let fault = to_blame.await.unwrap().unwrap_err();
            assert!(matches!(fault, Error::Unknown { .. } | Error::Timeout(_)), "{fault}");
            assert_eq!(other.await.unwrap().unwrap(), HashMap::from([(4, 8)]));
        }
    }
}
