//! Connections for reading. A pool asks the database after each use whether the connection is still there, which takes
//! longer than many a statement; whoever only reads gives a connection to the next one as it is.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sea_orm::sqlx::{self, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::position::Position;

/// Whoever was not needed for so long is asked whether it is still there.
const DOUBTFUL: Duration = Duration::from_secs(1);
/// Whoever is not needed for so long is closed.
const SPARE: Duration = Duration::from_secs(60);
/// No connection lives longer: after a failover the old primary may go on answering.
const LIFETIME: Duration = Duration::from_secs(1_800);

/// Statements take lists of any length. PostgreSQL plans for ten where it can't see it, and so would plan each of them
/// anew, at the cost of executing it several times. All that is read is looked up by an index.
const PLANS: (&str, &str) = ("plan_cache_mode", "force_generic_plan");

/// Connections to one address, for statements that change nothing.
#[derive(Debug)]
pub(super) struct Connections {
    options: PgConnectOptions,
    patience: Patience,
    most: usize,
    /// One for each connection.
    permits: Arc<Semaphore>,
    idle: Arc<IdleList>,
}

/// How long to wait for a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until there is one, in all.
    pub(super) all: Duration,
    /// Of that, for the server.
    pub(super) server: Duration,
}

/// Those that wait for something to do, the last used at the end.
#[derive(Debug, Default)]
struct IdleList(Mutex<Vec<Idle>>);

#[derive(Debug)]
struct Connected {
    connection: PgConnection,
    born: Instant,
    /// What the server behind it is known to have.
    has: Option<Position>,
}

#[derive(Debug)]
struct Idle {
    connected: Connected,
    since: Instant,
}

impl IdleList {
    fn put(&self, connected: Connected) {
        let now = Instant::now();
        if now - connected.born > LIFETIME {
            return;
        }
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Idle { connected, since: now });
        let spare = idle.first().is_some_and(|idle| now - idle.since > SPARE).then(|| idle.remove(0));
        drop(idle);
        drop(spare);
    }

    fn pop(&self) -> Option<Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A connection in use, until [`Lent::release`]. What is dropped before, because reading failed or was given up, may
/// still be answered by the database: it counts as used until that is over, so that whoever asks and goes away again and
/// again does not leave ever more statements behind.
#[derive(Debug)]
pub(super) struct Lent {
    /// `None` once it is given back.
    connected: Option<(Connected, OwnedSemaphorePermit)>,
    idle: Arc<IdleList>,
}

impl Lent {
    /// Leaves the connection to the next one. To be called when all that was asked was answered.
    pub(super) fn release(mut self) {
        if let Some((connected, _permit)) = self.connected.take() {
            self.idle.put(connected);
        }
    }

    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.connected.as_mut().map(|(connected, _)| &mut connected.connection).ok_or(sqlx::Error::PoolClosed)
    }

    /// What the server was last known to have.
    pub(super) fn has(&self) -> Option<Position> {
        self.connected.as_ref().and_then(|(connected, _)| connected.has)
    }

    /// Notes what the server has.
    pub(super) fn note(&mut self, has: Position) {
        if let Some((connected, _)) = &mut self.connected {
            connected.has = Some(has);
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some((mut connected, permit)) = self.connected.take() else { return };
        let idle = Arc::clone(&self.idle);
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // Answered after everything that was asked before.
                if connected.connection.ping().await.is_ok() {
                    idle.put(connected);
                }
                drop(permit);
            });
        }
    }
}

impl Connections {
    /// At most so many.
    pub(super) fn new(options: PgConnectOptions, most: usize, patience: Patience) -> Self {
        let permits = Arc::new(Semaphore::new(most));
        Self { options: options.options([PLANS]), patience, most, permits, idle: Arc::default() }
    }

    /// How many do something.
    pub(super) fn used(&self) -> u32 {
        u32::try_from(self.most.saturating_sub(self.permits.available_permits())).unwrap_or(u32::MAX)
    }

    /// How many wait for something to do.
    pub(super) fn idle(&self) -> u32 {
        u32::try_from(self.idle.len()).unwrap_or(u32::MAX)
    }

    /// Waits for a connection.
    pub(super) async fn get(&self) -> Result<Lent, sqlx::Error> {
        let got = async {
            let permits = Arc::clone(&self.permits);
            let permit = permits.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
            let connected = timeout(self.patience.server, self.connected());
            let connected =
                connected.await.map_err(|_| sqlx::Error::Io(io::ErrorKind::TimedOut.into()))??;
            Ok::<_, sqlx::Error>((connected, permit))
        };
        let got = timeout(self.patience.all, got).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        Ok(Lent { connected: Some(got), idle: Arc::clone(&self.idle) })
    }

    async fn connected(&self) -> Result<Connected, sqlx::Error> {
        Ok(match self.take().await {
            Some(connected) => connected,
            None => Connected {
                // In a box: it is large, and hardly ever needed.
                connection: Box::pin(PgConnection::connect_with(&self.options)).await?,
                born: Instant::now(),
                has: None,
            },
        })
    }

    /// One of those that wait for something to do, if it is still there.
    async fn take(&self) -> Option<Connected> {
        loop {
            let Idle { mut connected, since } = self.idle.pop()?;
            if since.elapsed() <= DOUBTFUL || connected.connection.ping().await.is_ok() {
                return Some(connected);
            }
        }
    }
}
