//! Between processes: Redis pub/sub where there is a Redis, else the database's own notifications.

use std::{sync::Arc, time::Duration};

use sea_orm::sqlx::{self, postgres::PgListener};
use tokio_util::sync::CancellationToken;

use crate::{Error, Service, ingest::Commit, redis::Redis};

/// How often followers look for themselves while the bus is away, and how often it is tried again.
const AWAY: Duration = Duration::from_secs(1);
/// A notification's payload is below 8,000 bytes.
const LARGEST_NOTIFICATION: usize = 7_900;
/// Commits in one message of Redis.
const COMMITS_PER_MESSAGE: usize = 500;
const NOTIFICATION_CHANNEL: &str = "pulsegate_commits";
/// Says that a breaker's state is another one; what it is stands in the database.
const BREAKERS: &str = r#"{"breakers":"changed"}"#;

/// Says that other tokens are revoked; which, stands in the database.
const REVOCATIONS: &str = r#"{"revocations":"changed"}"#;

pub(crate) enum Bus {
    Database,
    Redis(Redis),
}

/// Nobody else could be told.
#[derive(Debug)]
pub(super) struct Away;

/// Lists of commits as JSON arrays, each shorter than a notification may be.
fn notifications(commits: &[Commit]) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for commit in commits {
        let Ok(mut text) = serde_json::to_string(commit) else { continue };
        if text.len() + "[]".len() > LARGEST_NOTIFICATION {
            let brief = Commit { delta: None, ..commit.clone() };
            text = serde_json::to_string(&brief).unwrap_or(text);
        }
        match payloads.last_mut().filter(|payload| payload.len() + text.len() + 1 < LARGEST_NOTIFICATION) {
            Some(payload) => {
                payload.push(',');
                payload.push_str(&text);
            }
            None => payloads.push(format!("[{text}")),
        }
    }
    for payload in &mut payloads {
        payload.push(']');
    }
    payloads
}

impl Service {
    fn redis_channel(installation: uuid::Uuid) -> String {
        format!("analytics:commits:{}", installation.simple())
    }

    /// Tells the other processes.
    pub(super) async fn announce(&self, commits: &[Commit]) -> Result<(), Away> {
        let payloads = match self.bus() {
            Bus::Database => notifications(commits),
            Bus::Redis(_) => {
                let parts = commits.chunks(COMMITS_PER_MESSAGE);
                parts.map(serde_json::to_string).collect::<Result<_, _>>().map_err(|_| Away)?
            }
        };
        self.send(payloads).await
    }

    /// Tells the other processes that a breaker's state is another one. False where they could not be told.
    pub(crate) async fn announce_breakers(&self) -> bool {
        self.send(vec![BREAKERS.to_owned()]).await.is_ok()
    }

    /// Tells the other processes that other tokens are revoked. False where they could not be told.
    pub(crate) async fn announce_revocations(&self) -> bool {
        self.send(vec![REVOCATIONS.to_owned()]).await.is_ok()
    }

    async fn send(&self, payloads: Vec<String>) -> Result<(), Away> {
        match self.bus() {
            Bus::Database => {
                sqlx::query("SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload")
                    .bind(NOTIFICATION_CHANNEL)
                    .bind(payloads)
                    .execute(self.pool())
                    .await
                    .map_err(|_| Away)?;
            }
            Bus::Redis(redis) => {
                let channel = Self::redis_channel(self.installation().await.map_err(|_| Away)?.id);
                for payload in payloads {
                    let channel = channel.as_str();
                    redis
                        .ask_even_if_away(|mut connection| async move {
                            let mut command = redis::cmd(connection.publish());
                            command.arg(channel).arg(payload).query_async::<i64>(&mut connection).await
                        })
                        .await
                        .ok_or(Away)?;
                }
            }
        }
        Ok(())
    }

    /// Listens until told to stop. While nobody speaks, nothing that is held is believed, and followers look for
    /// themselves.
    pub(crate) async fn listen(self: Arc<Self>, stop: CancellationToken) {
        let listening = async {
            loop {
                if let Err(reason) = self.listen_once().await {
                    tracing::debug!(reason, "the bus is away");
                }
                if self.set_listening(false) {
                    tracing::warn!("lost the bus: reading from the database until it is back");
                }
                tokio::time::sleep(AWAY).await;
                self.hub().resync();
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = listening => {}
        }
    }

    /// Listens until the connection is lost.
    async fn listen_once(&self) -> Result<(), String> {
        let text = |error: Error| error.to_string();
        match self.bus() {
            Bus::Database => {
                let mut listener =
                    PgListener::connect_with(self.pool()).await.map_err(|error| error.to_string())?;
                listener.listen(NOTIFICATION_CHANNEL).await.map_err(|error| error.to_string())?;
                self.heard();
                // None: the connection was lost, and with it what was said meanwhile.
                while let Some(message) = listener.try_recv().await.map_err(|error| error.to_string())? {
                    self.take_in(message.payload().as_bytes());
                }
            }
            Bus::Redis(redis) => {
                let channel = Self::redis_channel(self.installation().await.map_err(text)?.id);
                let mut listener = redis.listen(&channel).await.map_err(|error| error.to_string())?;
                self.heard();
                while let Some(message) = listener.next().await {
                    self.take_in(&message);
                }
            }
        }
        Ok(())
    }

    /// The bus is there: from here on nothing is missed; what was before may have been.
    fn heard(&self) {
        if !self.set_listening(true) {
            tracing::info!("listening for commits");
        }
        self.known_breakers().doubt();
        self.revocations().doubt();
        self.hub().resync();
    }

    fn take_in(&self, payload: &[u8]) {
        if payload == BREAKERS.as_bytes() {
            self.known_breakers().doubt();
            return;
        }
        if payload == REVOCATIONS.as_bytes() {
            self.revocations().doubt();
            return;
        }
        if self.only_writes() {
            return;
        }
        match serde_json::from_slice::<Vec<Commit>>(payload) {
            Ok(commits) => self.deliver(&commits),
            Err(error) => {
                // From another version: what it said is not known, so everything may have changed.
                tracing::warn!(%error, "a message on the bus could not be read");
                self.cache().trust(true);
                self.hub().resync();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EventId;

    #[test]
    fn versions_understand_each_other() {
        let earlier = r#"{"event_id":"evt-1","owners":["u"],"revision":7,"changed_from":null}"#;
        let read: Commit = serde_json::from_str(earlier).unwrap();
        assert_eq!((read.revision, read.committed_at), (7, None));
        // What is not known is said as before, and what a later version adds is passed over.
        assert_eq!(serde_json::to_string(&read).unwrap(), earlier);
        let later = earlier.replace('}', r#","committed_at":"2026-01-05T00:00:00.000000001Z","more":1}"#);
        let read: Commit = serde_json::from_str(&later).unwrap();
        let again: Commit = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
        assert!(read.committed_at.is_some() && again == read, "a commit is known again by all of it");
    }

    #[test]
    fn notifications_stay_below_the_limit_and_lose_nothing() {
        let commits: Vec<Commit> = (0..1000)
            .map(|revision| Commit {
                event_id: EventId::trusted(&format!("행사-{revision}")),
                owners: Vec::new(),
                revision,
                changed_from: None,
                committed_at: None,
                delta: None,
            })
            .collect();
        let payloads = notifications(&commits);
        assert!(payloads.iter().all(|payload| payload.len() < 8000));
        let read: Vec<Commit> = payloads
            .iter()
            .flat_map(|payload| serde_json::from_str::<Vec<Commit>>(payload).unwrap())
            .collect();
        assert_eq!(read, commits);
    }
}
