//! Whether everything that was committed was announced.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::ensure;
use futures_util::StreamExt as _;
use sea_orm::sqlx;
use service::ingest::Commit;
use tests::testbed::Testbed;
use tests::wait;
use tokio::task::JoinHandle;

const ANNOUNCED_WITHIN: Duration = Duration::from_secs(10);

/// The latest revision of each event that was heard of on the bus.
pub(super) struct Announced {
    heard: Arc<Mutex<HashMap<String, i64>>>,
    listening: JoinHandle<()>,
}

impl Announced {
    pub(super) async fn listen(testbed: &Testbed) -> anyhow::Result<Self> {
        let installation: String = sqlx::query_scalar(
            "SELECT replace(md5(installation.id || datname || pg_database.oid)::uuid::text, '-', '') \
             FROM installation, pg_database WHERE datname = current_database()",
        )
        .fetch_one(testbed.database())
        .await?;
        let mut bus = redis::Client::open(testbed.redis_url())?.get_async_pubsub().await?;
        bus.subscribe(format!("analytics:commits:{installation}")).await?;
        let heard = Arc::new(Mutex::new(HashMap::new()));
        let listening = tokio::spawn({
            let heard = Arc::clone(&heard);
            async move {
                let mut messages = bus.into_on_message();
                while let Some(message) = messages.next().await {
                    let commits: Vec<Commit> = serde_json::from_slice(message.get_payload_bytes()).unwrap();
                    let mut heard = heard.lock().unwrap();
                    for commit in commits {
                        let latest = heard.entry(commit.event_id.to_string()).or_insert(commit.revision);
                        *latest = commit.revision.max(*latest);
                    }
                }
            }
        });
        Ok(Self { heard, listening })
    }

    /// Waits until every event's last revision was heard of.
    pub(super) async fn all(self, testbed: &Testbed) -> anyhow::Result<()> {
        let stored: Vec<(String, i64)> = sqlx::query_as("SELECT event_id, revision FROM event_stats")
            .fetch_all(testbed.database())
            .await?;
        ensure!(!stored.is_empty(), "nothing is stored");
        let outcome = wait::until("all commits to be announced", ANNOUNCED_WITHIN, async || {
            let heard = self.heard.lock().unwrap();
            let silent = stored
                .iter()
                .filter(|(event, revision)| heard.get(event).is_none_or(|latest| latest < revision));
            let silent = silent.count();
            Ok(if silent == 0 { Ok(()) } else { Err(anyhow::anyhow!("{silent} of {} events", stored.len())) })
        });
        outcome.await?;
        self.listening.abort();
        Ok(())
    }
}
