//! Viewers of live charts. Whoever loses the connection goes on from the last cursor.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{anyhow, bail, ensure};
use serde_json::{Value, json};
use tests::clients::socket::{Frame, Socket};
use tests::wait;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::saying::{EVENTS, Said, event};

const CHART: &str = "subscription Chart($event: ID!, $after: String) {
  timelineUpdated(eventId: $event, after: $after, minInterval: \"PT1S\") {
    kind revision cursor totalParticipants points { start participants }
  }
}";
const AGAIN: Duration = Duration::from_millis(500);
const HEARD_WITHIN: Duration = Duration::from_secs(60);

/// What one of them has seen.
#[derive(Clone, Debug, Default)]
struct Seen {
    cursor: Option<String>,
    revision: i64,
    participants: u64,
}

/// All viewers.
pub(crate) struct Viewers {
    tasks: JoinSet<anyhow::Result<u64>>,
    seen: Vec<(String, Arc<Mutex<Seen>>)>,
    updates: Arc<AtomicU64>,
}

/// What they got.
pub(crate) struct Watched {
    viewers: usize,
    updates: u64,
    reconnections: u64,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { viewers, updates, reconnections } = self;
        write!(
            f,
            "{viewers} viewers got {updates} updates and ended at the truth; {reconnections} reconnections."
        )
    }
}

impl Viewers {
    /// So many viewers, spread over the events.
    pub(crate) fn open(base: &str, count: usize, over: &CancellationToken) -> Self {
        let updates = Arc::<AtomicU64>::default();
        let mut tasks = JoinSet::new();
        let seen: Vec<_> = (0..count).map(|number| (event(number % EVENTS), Arc::default())).collect();
        for (event, seen) in &seen {
            let viewer = Viewer {
                base: base.to_owned(),
                event: event.clone(),
                seen: Arc::clone(seen),
                updates: Arc::clone(&updates),
            };
            let over = over.clone();
            tasks.spawn(async move { viewer.watch(&over).await });
        }
        Self { tasks, seen, updates }
    }

    pub(crate) fn updates(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.updates)
    }

    /// Waits until each has been told of what is stored.
    pub(crate) async fn wait_until_all_know(&self, stored: &Said) -> anyhow::Result<()> {
        wait::until("all viewers to know", HEARD_WITHIN, async || {
            let is_late = |(event, seen): &&(String, Arc<Mutex<Seen>>)| {
                let known = seen.lock().unwrap_or_else(PoisonError::into_inner).participants;
                known != stored.get(event).copied().unwrap_or_default()
            };
            let late = self.seen.iter().filter(is_late).count();
            Ok(if late == 0 { Ok(()) } else { Err(anyhow!("{late} of {} do not", self.seen.len())) })
        })
        .await
    }

    pub(crate) async fn end(mut self) -> anyhow::Result<Watched> {
        let mut reconnections = 0;
        while let Some(connections) = self.tasks.join_next().await {
            reconnections += connections??.saturating_sub(1);
        }
        let updates = self.updates.load(Ordering::Relaxed);
        Ok(Watched { viewers: self.seen.len(), updates, reconnections })
    }
}

struct Viewer {
    base: String,
    event: String,
    seen: Arc<Mutex<Seen>>,
    updates: Arc<AtomicU64>,
}

impl Viewer {
    /// Watches until it is over; returns how often it connected.
    async fn watch(self, over: &CancellationToken) -> anyhow::Result<u64> {
        let mut connections = 0;
        loop {
            let Some(lost) = over.run_until_cancelled(self.connect(&mut connections)).await else {
                return Ok(connections);
            };
            // What can't be true ends it.
            if let Err(Lie(lie)) = lost {
                return Err(lie);
            }
            if over.run_until_cancelled(sleep(AGAIN)).await.is_none() {
                return Ok(connections);
            }
        }
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn connect(&self, connections: &mut u64) -> Result<(), Lie> {
        let variables = json!({ "event": self.event, "after": self.seen().cursor });
        let begun = async {
            let mut socket = Socket::connect(&self.base).await?;
            socket.subscribe("chart", CHART, variables).await?;
            anyhow::Ok(socket)
        };
        let Ok(mut socket) = begun.await else { return Ok(()) };
        *connections += 1;
        while let Ok(frame) = socket.next().await {
            let Frame::Next { payload, .. } = frame else { return Ok(()) };
            let update = &payload["data"]["timelineUpdated"];
            if update.is_null() {
                // Nothing says more than the last cursor, or something is away.
                let is_lost = payload.to_string().contains("RESYNC_REQUIRED");
                if is_lost {
                    return Err(Lie(anyhow!("a cursor of this run could not be resumed from: {payload}")));
                }
                return Ok(());
            }
            self.take(update).map_err(Lie)?;
        }
        Ok(())
    }

    fn take(&self, update: &Value) -> anyhow::Result<()> {
        let (Some(revision), Some(participants), Some(cursor)) =
            (update["revision"].as_i64(), update["totalParticipants"].as_u64(), update["cursor"].as_str())
        else {
            bail!("no update: {update}");
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(
            revision >= seen.revision && participants >= seen.participants,
            "{} went back from {seen:?} to {update}",
            self.event
        );
        *seen = Seen { cursor: Some(cursor.to_owned()), revision, participants };
        self.updates.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Something that must never be said.
struct Lie(anyhow::Error);
