//! Those who ask queries, at a steady rate.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::calm::Calm;
use crate::saying::{EVENTS, USERS, event, user};

const ASKERS: u32 = 8;
/// Longer than the gateway lets anybody wait.
const PATIENCE: Duration = Duration::from_secs(30);
/// Failures that are shown.
const SHOWN: usize = 5;

const DOCUMENTS: [&str; 3] = [
    "query Dashboard($event: ID!, $user: ID!) {
      event(eventId: $event) {
        title totalParticipants roi { roi netProfit } channels { channelName participants clickThroughRate }
        timeline(granularity: MINUTE, range: { last: \"PT1H\" }) { points { start participants cumulativeParticipants } }
      }
      user(userId: $user) { eventCount }
    }",
    "query Overview($event: ID!, $user: ID!) {
      event(eventId: $event) { totalParticipants funnel { steps { count } } }
      user(userId: $user) { eventCount totalParticipants events(first: 20) { totalCount nodes { title } } }
    }",
    "query Tile($event: ID!) { event(eventId: $event) { totalParticipants status totalViews } }",
];

/// What became of the queries.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// How long they took while nothing was away.
    times: Vec<Duration>,
    /// Those that failed while something was away.
    excused: u64,
    /// Those that failed though nothing was.
    pub(crate) failed: u64,
    reasons: Vec<String>,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
        let millis = |percent| at(percent).map_or(0.0, |time| time.as_secs_f64() * 1_000.0);
        write!(
            f,
            "{} queries were answered while nothing was away, half of them within {:.1} ms, 99 of 100 within {:.1} ms; \
             {} failed meanwhile. {} failed while something was away.",
            self.times.len(),
            millis(50),
            millis(99),
            self.failed,
            self.excused,
        )?;
        self.reasons.iter().try_for_each(|reason| write!(f, "\n  {reason}"))
    }
}

/// All who ask.
pub(crate) struct Askers {
    tasks: JoinSet<anyhow::Result<Asked>>,
    answered: Arc<AtomicU64>,
}

impl Askers {
    /// Ask so many queries in a second together.
    pub(crate) fn start(
        base: &str,
        rate: u32,
        calm: &Arc<Calm>,
        over: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let answered = Arc::<AtomicU64>::default();
        let mut tasks = JoinSet::new();
        for number in 0..ASKERS {
            let asker = Asker {
                client: Client::builder().timeout(PATIENCE).build()?,
                url: format!("{base}/graphql"),
                calm: Arc::clone(calm),
                answered: Arc::clone(&answered),
                known: HashMap::new(),
                random: StdRng::seed_from_u64(number.into()),
            };
            tasks.spawn(asker.ask(Duration::from_secs(1) * ASKERS / rate.max(1), over.clone()));
        }
        Ok(Self { tasks, answered })
    }

    pub(crate) fn answered(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.answered)
    }

    pub(crate) async fn end(mut self) -> anyhow::Result<Asked> {
        let mut all = Asked::default();
        while let Some(asked) = self.tasks.join_next().await {
            let asked = asked??;
            all.times.extend(asked.times);
            all.excused += asked.excused;
            all.failed += asked.failed;
            all.reasons.extend(asked.reasons);
        }
        all.reasons.truncate(SHOWN);
        Ok(all)
    }
}

struct Asker {
    client: Client,
    url: String,
    calm: Arc<Calm>,
    answered: Arc<AtomicU64>,
    /// What each event was said to have: it never has less.
    known: HashMap<String, i64>,
    random: StdRng,
}

impl Asker {
    async fn ask(mut self, pause: Duration, over: CancellationToken) -> anyhow::Result<Asked> {
        let mut asked = Asked::default();
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while over.run_until_cancelled(ticks.tick()).await.is_some() {
            let began = Instant::now();
            let outcome = self.once().await;
            // Calm before and after.
            let is_calm = self.calm.at(began) && self.calm.at(Instant::now());
            match outcome {
                Ok(()) => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    if is_calm {
                        asked.times.push(began.elapsed());
                    }
                }
                Err(_) if !is_calm => asked.excused += 1,
                Err(fault) => {
                    asked.failed += 1;
                    asked.reasons.push(format!("{fault:#}"));
                    asked.reasons.truncate(SHOWN);
                }
            }
        }
        Ok(asked)
    }

    async fn once(&mut self) -> anyhow::Result<()> {
        let event = event(self.random.random_range(0..EVENTS));
        let user = user(self.random.random_range(0..USERS));
        let document = DOCUMENTS[self.random.random_range(0..DOCUMENTS.len())];
        let mut variables = json!({ "event": event });
        if document.contains("$user") {
            variables["user"] = user.into();
        }
        let request = self.client.post(&self.url).json(&json!({ "query": document, "variables": variables }));
        let answer: Value = request.send().await?.json().await?;
        if let Some(errors) = answer.get("errors") {
            bail!("{errors}");
        }
        let count = answer["data"]["event"]["totalParticipants"].as_i64().context("no such event")?;
        let known = self.known.entry(event).or_default();
        ensure!(count >= *known, "an event that had {known} participants has {count}");
        *known = count;
        Ok(())
    }
}
