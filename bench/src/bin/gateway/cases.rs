//! The cases, each of two things in turns.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use tests::system::usage::processor_time;
use tests::testbed::{Pulsegate, Role, Testbed};

use crate::bare::Bare;
use crate::data::{Size, TENTH, WHOLE};
use crate::live::{self, Traffic};
use crate::load::{self, Client, Requests};
use crate::pgbench::Script;
use crate::question::Question;
use crate::server::{Database, address_of, memory};
use crate::startup;
use crate::table::{Compared, Stretch};

/// Of the clients.
const CONNECTIONS: usize = 32;
/// Of the gateway to its database at most, and so of pgbench.
const DATABASE_CONNECTIONS: usize = 16;

/// What is measured on.
pub(crate) struct Bench<'a> {
    pub(crate) database: &'a Database,
    pub(crate) testbed: &'a Testbed,
    /// With a tenth of the events and points.
    pub(crate) tenth: &'a Testbed,
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) filter: String,
}

/// A server that requests go to.
#[derive(Clone, Copy)]
struct Server<'a> {
    address: SocketAddr,
    process: u32,
    requests: &'a Requests,
}

impl<'a> Server<'a> {
    fn of(gateway: &Pulsegate, requests: &'a Requests) -> anyhow::Result<Self> {
        let process = gateway.id()?;
        Ok(Self { address: address_of(gateway)?, process, requests })
    }
}

impl Bench<'_> {
    pub(crate) async fn run(&self) -> anyhow::Result<Vec<Compared>> {
        let mut rows = Vec::new();
        if self.wanted("start") {
            let (seconds, idle) = startup::measure(self.testbed, self.rounds).await?;
            println!("start: ready after {seconds:.2} s (goal: 1), then {idle:.1} MiB (goal: 40)");
        }
        for (case, question, goal) in [
            ("cold dashboard", Question::Dashboard, "0.85"),
            ("cold user's 10 events", Question::UserEvents, "0.8"),
            ("cold top 20 by ROI", Question::Top20, "0.8"),
            ("cold 168 hours", Question::Hours, "0.8"),
        ] {
            if self.wanted(case) {
                rows.push(self.cold(case, question, goal).await?);
            }
        }
        for (case, question) in [
            ("growth dashboard", Question::Dashboard),
            ("growth user's 10 events", Question::UserEvents),
            ("growth top 20 by ROI", Question::Top20),
        ] {
            if self.wanted(case) {
                rows.push(self.growth(case, question).await?);
            }
        }
        let warm = [("warm dashboard", Question::Dashboard), ("warm 168 hours", Question::Hours)];
        if warm.iter().any(|(case, _)| self.wanted(case)) {
            let gateway = self.testbed.start(Role::Serve).await?;
            for (case, question) in warm {
                if self.wanted(case) {
                    rows.push(self.warm(case, question, &gateway).await?);
                }
            }
            let memory = memory(gateway.id()?)?;
            println!("memory after warm load: {memory:.1} MiB (goal: 120)");
        }
        // Last: they add to the tables.
        for (case, events, goal) in [
            ("live dashboard", 0..live::EVENTS, "0.7"),
            // Of which none has to be made anew: what coming in leaves to whoever asks.
            ("live, other events", live::EVENTS..2 * live::EVENTS, "–"),
        ] {
            if self.wanted(case) {
                rows.push(self.live(case, events, goal).await?);
            }
        }
        Ok(rows)
    }

    fn wanted(&self, case: &str) -> bool {
        case.contains(&self.filter)
    }

    async fn cold(&self, case: &str, question: Question, goal: &'static str) -> anyhow::Result<Compared> {
        let script = Script::catch(self.testbed, question, WHOLE).await?;
        println!(
            "{case}: {} statements, {} of them prepared\n{}",
            script.statements,
            script.prepared,
            script.text()
        );
        let gateway = self.testbed.start_with(Role::Serve, &[("CACHE", "off")]).await?;
        let requests = question.requests(0..question.subjects(WHOLE));
        let server = Server::of(&gateway, &requests)?;
        let theirs = async || {
            let before = self.database.processor_time()?;
            let done = script.run(self.testbed.database_url(), DATABASE_CONNECTIONS, self.time).await?;
            let postgres = self.postgres_since(before)?.map(|time| per(time, done.count));
            let (rate, p50, p99) = (done.per_second, done.p50, done.p99);
            Ok(Stretch { rate, postgres, p50, p99, ..Stretch::default() })
        };
        self.compare(case, "pgbench", goal, async || self.stretch(server, true).await, theirs).await
    }

    async fn growth(&self, case: &str, question: Question) -> anyhow::Result<Compared> {
        let off = [("CACHE", "off")];
        let whole = self.testbed.start_with(Role::Serve, &off).await?;
        let tenth = self.tenth.start_with(Role::Serve, &off).await?;
        let of = |size: Size| question.requests(0..question.subjects(size));
        let (requests, fewer) = (of(WHOLE), of(TENTH));
        let (server, small) = (Server::of(&whole, &requests)?, Server::of(&tenth, &fewer)?);
        let ours = async || self.stretch(server, true).await;
        self.compare(case, "a tenth of the data", "1/1.3 = 0.77", ours, async || {
            self.stretch(small, true).await
        })
        .await
    }

    async fn warm(&self, case: &str, question: Question, gateway: &Pulsegate) -> anyhow::Result<Compared> {
        let requests = question.requests(0..live::EVENTS);
        let server = Server::of(gateway, &requests)?;
        load::run(server.address, &requests, CONNECTIONS, None).await?;
        let answer = Client::connect(server.address).await?.ask(&question.request(0)).await?.to_vec();
        let bare = Bare::start(&answer).await?;
        let bare = Server { address: bare.address, process: bare.id()?, requests: &requests };
        println!("{case}: {} bytes", answer.len());
        let ours = async || self.stretch(server, false).await;
        self.compare(case, "bare axum", "0.7; CPU 1.5", ours, async || self.stretch(bare, false).await).await
    }

    /// The dashboards of `events`, while participants of the first of all come in.
    async fn live(&self, case: &str, events: Range<usize>, goal: &'static str) -> anyhow::Result<Compared> {
        let gateway = self.testbed.start(Role::Serve).await?;
        let requests = Question::Dashboard.requests(events);
        let server = Server::of(&gateway, &requests)?;
        load::run(server.address, &requests, CONNECTIONS, None).await?;
        let _consumer = self.testbed.start(Role::Consume).await?;
        let ours = async || {
            let traffic = Traffic::start(self.testbed, server.address).await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let (hits, misses) = live::lookups(gateway.base()).await?;
            let stretch = self.stretch(server, true).await?;
            let (hits_after, misses_after) = live::lookups(gateway.base()).await?;
            let counts = traffic.stop().await?;
            let (hits, misses) = (hits_after - hits, misses_after - misses);
            println!(
                "{case}: {} messages, hit rate of the caches' lookups {:.3}; of {} answers {} stale, {} less than before",
                counts.sent.load(Ordering::Relaxed),
                hits / (hits + misses),
                counts.checked.load(Ordering::Relaxed),
                counts.stale.load(Ordering::Relaxed),
                counts.went_back.load(Ordering::Relaxed),
            );
            // What came last is consumed before the quiet stretch.
            while self.testbed.lag().await? > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(stretch)
        };
        self.compare(case, "itself, quiet", goal, ours, async || self.stretch(server, true).await).await
    }

    /// In turns, each of them first every second time.
    async fn compare(
        &self,
        case: &str,
        against: &str,
        goal: &'static str,
        ours: impl AsyncFn() -> anyhow::Result<Stretch>,
        theirs: impl AsyncFn() -> anyhow::Result<Stretch>,
    ) -> anyhow::Result<Compared> {
        let mut compared = Compared {
            case: case.to_owned(),
            against: against.to_owned(),
            goal,
            ours: Vec::new(),
            theirs: Vec::new(),
        };
        for round in 0..=self.rounds {
            let (our, their) = if round.is_multiple_of(2) {
                let their = theirs().await.with_context(|| against.to_owned())?;
                (ours().await.with_context(|| case.to_owned())?, their)
            } else {
                let our = ours().await.with_context(|| case.to_owned())?;
                (our, theirs().await.with_context(|| against.to_owned())?)
            };
            println!("{case}: {:.0}/s, {against}: {:.0}/s", our.rate, their.rate);
            if round > 0 {
                compared.ours.push(our);
                compared.theirs.push(their);
            }
        }
        Ok(compared)
    }

    async fn stretch(&self, server: Server<'_>, database: bool) -> anyhow::Result<Stretch> {
        let before = (processor_time(server.process)?, self.database.processor_time()?);
        let done = load::run(server.address, server.requests, CONNECTIONS, Some(self.time)).await?;
        let taken = processor_time(server.process)?.saturating_sub(before.0);
        let postgres = if database { self.postgres_since(before.1)? } else { None };
        Ok(Stretch {
            rate: done.per_second(),
            server: Some(per(taken, done.requests)),
            postgres: postgres.map(|time| per(time, done.requests)),
            p50: done.percentile(50),
            p99: done.percentile(99),
            memory: Some(memory(server.process)?),
        })
    }

    fn postgres_since(&self, before: Option<Duration>) -> anyhow::Result<Option<Duration>> {
        Ok(self.database.processor_time()?.zip(before).map(|(after, before)| after.saturating_sub(before)))
    }
}

/// Microseconds of each.
fn per(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1_000_000.0 / count.max(1) as f64
}
