use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::NaiveDate;
use quick_cache::sync::Cache as Bounded;
use sea_orm::sqlx::{
    self, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{sync::OnceCell, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Error,
    cache::Cache,
    channel_api::{ChannelApis, Flights, Known},
    clock::SharedClock,
    cursor::Cursors,
    documents::Documents,
    ingest::ClosedDays,
    live::{Bus, Drawings, Hub, Outbox},
    read::Gathers,
    readers::{Misfit, Readers},
    redis::Redis,
    revocation::Revocations,
};

/// Months whose partition is known to be there.
const KNOWN_MONTHS: usize = 100;
/// A partition may be dropped by its retention while the process lives.
const MONTHS_TTL: Duration = Duration::from_secs(3600);

/// Where the service keeps things, and how long it waits for them.
#[derive(Clone)]
pub struct Settings {
    /// PostgreSQL 15 or later.
    pub database_url: String,
    /// A replica of it that reads may go to.
    pub database_read_url: Option<String>,
    /// Cache and bus; without it, the process's own memory and the database's notifications.
    pub redis_url: Option<String>,
    /// Whether answers may be made from what was read before; without it every read asks the database.
    pub cache: bool,
    /// Connections at most.
    pub pool_size: u32,
    /// How long to wait for a free connection.
    pub acquire_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
}

/// Addresses hold passwords, so they are not shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

/// What a database is known by.
pub(crate) struct Installation {
    pub(crate) id: Uuid,
    pub(crate) cursors: Cursors,
}

/// The state of what the service stands on. `Err` says what is missing, in words for an operator.
#[derive(Clone, Debug)]
pub struct Health {
    /// PostgreSQL.
    pub database: Result<(), String>,
    /// Redis, or the process's own memory.
    pub cache: Result<(), String>,
    /// Redis pub/sub, or the database's notifications.
    pub bus: Result<(), String>,
}

/// The connections to PostgreSQL that this process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Those that do something.
    pub used: u32,
    /// Those that wait for something to do.
    pub idle: u32,
    /// As many as there may be.
    pub most: u32,
}

/// The domain's one entrance: reads, writes, follows.
pub struct Service {
    pool: PgPool,
    readers: Arc<Readers>,
    gathers: Gathers,
    cache: Cache,
    bus: Bus,
    redis: Option<Redis>,
    documents: Documents,
    hub: Arc<Hub>,
    outbox: Outbox,
    drawings: Drawings,
    installation: OnceCell<Installation>,
    listening: AtomicBool,
    only_writes: AtomicBool,
    known_months: Bounded<NaiveDate, Instant>,
    closed_days: Arc<ClosedDays>,
    channel_apis: OnceLock<ChannelApis>,
    known_breakers: Known,
    flights: Flights,
    revocations: Arc<Revocations>,
    clock: SharedClock,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    /// Connects to nothing yet: a dependency that is absent is a state, see [`Service::health`], not a failed start.
    ///
    /// # Errors
    /// [`Error::Address`] where an address can't be read.
    pub fn new(settings: &Settings, clock: SharedClock) -> Result<Arc<Self>, Error> {
        Self::with_path(settings, clock, None)
    }

    /// Like [`Service::new`], with tables that are looked for along a search path.
    pub(crate) fn on_path(settings: &Settings, clock: SharedClock, path: &str) -> Result<Arc<Self>, Error> {
        Self::with_path(settings, clock, Some(path))
    }

    fn with_path(settings: &Settings, clock: SharedClock, path: Option<&str>) -> Result<Arc<Self>, Error> {
        let options = |variable, url: &str| {
            let options = PgConnectOptions::from_str(url).map_err(|_| Error::Address {
                variable,
                reason: "expected postgres://user:password@host:port/database".to_owned(),
            })?;
            let timeout = settings.statement_timeout.as_millis().to_string();
            Ok::<_, Error>(
                options
                    .application_name("pulsegate")
                    .options([("statement_timeout", timeout), ("TimeZone", "UTC".to_owned())])
                    .options(path.map(|path| ("search_path", path))),
            )
        };
        let replica = settings.database_read_url.as_deref();
        let replica = replica.map(|url| options("DATABASE_READ_URL", url)).transpose()?;
        let options = options("DATABASE_URL", &settings.database_url)?;
        let pool = PgPoolOptions::new()
            .max_connections(settings.pool_size)
            .acquire_timeout(settings.acquire_timeout)
            .connect_lazy_with(options.clone());
        let redis = settings.redis_url.as_deref().map(Redis::new).transpose()?;
        let readers = Arc::new(Readers::new(options, replica, settings.pool_size, settings.acquire_timeout));
        Ok(Arc::new(Self {
            gathers: Gathers::new(&readers),
            readers,
            pool,
            cache: Cache::new(redis.clone(), settings.cache),
            bus: redis.clone().map_or(Bus::Database, Bus::Redis),
            documents: Documents::new(redis.clone()),
            redis,
            hub: Arc::new(Hub::new()),
            outbox: Outbox::default(),
            drawings: Drawings::new(),
            installation: OnceCell::new(),
            listening: AtomicBool::new(false),
            only_writes: AtomicBool::new(false),
            known_months: Bounded::new(KNOWN_MONTHS),
            closed_days: Arc::default(),
            channel_apis: OnceLock::new(),
            known_breakers: Known::default(),
            flights: Flights::default(),
            revocations: Arc::default(),
            clock,
        }))
    }

    /// Begins to listen for the commits of other processes, until `stop`. Without it nothing is kept in memory.
    pub fn start(self: &Arc<Self>, stop: CancellationToken) {
        tokio::spawn(Arc::clone(self).listen(stop));
    }

    /// The same for a process that answers nobody: it keeps nothing that commits could touch, and passes them over.
    pub fn start_writer(self: &Arc<Self>, stop: CancellationToken) {
        self.only_writes.store(true, Ordering::SeqCst);
        self.start(stop);
    }

    /// Whether nobody in this process wants to hear of commits.
    pub(crate) fn only_writes(&self) -> bool {
        self.only_writes.load(Ordering::SeqCst)
    }

    /// The clock that the service goes by.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// For statements that change something.
    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// What is known of the days before the current one.
    pub(crate) const fn closed_days(&self) -> &Arc<ClosedDays> {
        &self.closed_days
    }

    /// For statements that change nothing.
    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// For what many ask for at once.
    pub(crate) const fn gathers(&self) -> &Gathers {
        &self.gathers
    }

    pub(crate) const fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) const fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(crate) const fn documents(&self) -> &Documents {
        &self.documents
    }

    pub(crate) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) const fn drawings(&self) -> &Drawings {
        &self.drawings
    }

    /// Whether a month's partition was there not long ago.
    pub(crate) fn knows_month(&self, first_day: NaiveDate) -> bool {
        self.known_months.get(&first_day).is_some_and(|since| since.elapsed() < MONTHS_TTL)
    }

    pub(crate) fn note_month(&self, first_day: NaiveDate) {
        self.known_months.insert(first_day, Instant::now());
    }

    pub(crate) fn channel_apis(&self) -> Option<&ChannelApis> {
        self.channel_apis.get()
    }

    /// The first word stands.
    pub(crate) fn set_channel_apis(&self, apis: ChannelApis) {
        let _ = self.channel_apis.set(apis);
    }

    pub(crate) const fn known_breakers(&self) -> &Known {
        &self.known_breakers
    }

    pub(crate) const fn flights(&self) -> &Flights {
        &self.flights
    }

    /// What is known of revocations.
    #[must_use]
    pub const fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    pub(crate) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whether commits are heard.
    pub(crate) fn is_listening(&self) -> bool {
        self.listening.load(Ordering::SeqCst)
    }

    /// Says whether commits are heard. True where they were before.
    pub(crate) fn set_listening(&self, listening: bool) -> bool {
        let before = self.listening.swap(listening, Ordering::SeqCst);
        self.cache.trust(listening && !self.only_writes());
        before
    }

    /// What this database is known by, read once.
    pub(crate) async fn installation(&self) -> Result<&Installation, Error> {
        self.installation
            .get_or_try_init(async || {
                // A copy of a database is another one, though it brings the row along.
                let (id, key): (Uuid, Vec<u8>) = sqlx::query_as(
                    "SELECT md5(installation.id || datname || pg_database.oid)::uuid, cursor_key \
                     FROM installation, pg_database WHERE datname = current_database()",
                )
                .fetch_one(&self.pool)
                .await?;
                let key = key.try_into().map_err(|_| Error::Unknown { column: "cursor_key" })?;
                self.cache.belongs_to(id);
                Ok(Installation { id, cursors: Cursors::new(&key) })
            })
            .await
    }

    /// What seals this database's cursors, once it is known.
    pub(crate) fn known_cursors(&self) -> Option<&Cursors> {
        self.installation.get().map(|installation| &installation.cursors)
    }

    /// The connections to PostgreSQL as they are now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        let used = self.pool.size().saturating_sub(idle).saturating_add(self.readers.used());
        let idle = idle.saturating_add(self.readers.idle());
        Connections { used, idle, most: self.pool.options().get_max_connections() }
    }

    /// Asks everything that the service stands on.
    pub async fn health(&self) -> Health {
        let database = async {
            match sqlx::query("SELECT 1").execute(&self.pool).await {
                Ok(_) => Ok(()),
                Err(error) => Err(Error::from(error).to_string()),
            }
        };
        let cache = async {
            match &self.redis {
                Some(redis) if !redis.ping().await => Err("Redis does not answer".to_owned()),
                _ => Ok(()),
            }
        };
        let (database, cache) = tokio::join!(database, cache);
        let bus = if self.listening.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err("not yet listening for commits".to_owned())
        };
        Health { database, cache, bus }
    }

    /// How the replica that reads may go to is: by how many bytes of its log it is behind, or why it is not read from.
    /// `None` where there is none.
    ///
    /// # Errors
    /// What one of the databases says.
    pub async fn examine_replica(&self) -> Result<Option<Result<u64, Misfit>>, Error> {
        Ok(self.readers.examine_replica().await.transpose()?)
    }

    /// Those of the expected migrations that the database does not have.
    ///
    /// # Errors
    /// What the database says, but for a database without any migration: it lacks them all.
    pub async fn pending_migrations(&self, expected: &[String]) -> Result<Vec<String>, Error> {
        let applied: Vec<String> =
            match sqlx::query_scalar("SELECT version FROM seaql_migrations").fetch_all(&self.pool).await {
                Ok(applied) => applied,
                Err(error) => match Error::from(error) {
                    Error::Schema(_) => Vec::new(),
                    error => return Err(error),
                },
            };
        Ok(expected.iter().filter(|name| !applied.contains(name)).cloned().collect())
    }
}

/// A service whose database is never there, and which believes what it keeps all the same.
#[cfg(test)]
pub(crate) fn away() -> Arc<Service> {
    let settings = Settings {
        database_url: "postgres://nobody@127.0.0.1:1/nothing".to_owned(),
        database_read_url: None,
        redis_url: None,
        cache: true,
        pool_size: 1,
        acquire_timeout: Duration::from_millis(10),
        statement_timeout: Duration::from_secs(1),
    };
    let service = Service::new(&settings, Arc::new(crate::clock::SystemClock)).unwrap();
    service.cache().trust(true);
    service
}
