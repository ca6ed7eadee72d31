use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use consumer::Monitor;
use service::Service;
use tokio_util::sync::CancellationToken;

/// What a process says about its parts.
pub(crate) struct Parts {
    pub(crate) service: Arc<Service>,
    /// The migrations that the database must have.
    pub(crate) migrations: Vec<String>,
    /// Where the process consumes.
    pub(crate) kafka: Option<Kafka>,
    pub(crate) stop: CancellationToken,
}

/// What a consuming process says about Kafka.
pub(crate) struct Kafka {
    pub(crate) monitor: Monitor,
    /// Of the embedded broker, so that others can find it.
    pub(crate) address: Option<String>,
    /// Whether a broker that is away makes the process unready. A gateway answers without one.
    pub(crate) required: bool,
}

type State = Result<String, String>;

impl Kafka {
    fn state(&self) -> State {
        let state = self.monitor.state();
        match (&self.address, state.trouble) {
            (Some(address), _) => Ok(address.clone()),
            (None, None) if state.connected => Ok(String::new()),
            (None, trouble) => {
                let text = trouble.unwrap_or_else(|| "no broker was reached yet".to_owned());
                if self.required { Err(text) } else { Ok(text) }
            }
        }
    }
}

#[async_trait]
impl api::Readiness for Parts {
    async fn check(&self) -> BTreeMap<&'static str, State> {
        let (health, pending) =
            tokio::join!(self.service.health(), self.service.pending_migrations(&self.migrations));
        let fine = |state: Result<(), String>| state.map(|()| String::new());
        let migrations = match pending {
            Ok(pending) if pending.is_empty() => Ok(String::new()),
            Ok(pending) => Err(format!("{} missing: run `pulsegate migrate up`", pending.len())),
            Err(_) => Err("not known while the database is away".to_owned()),
        };
        let mut parts = BTreeMap::from([
            ("database", fine(health.database)),
            ("cache", fine(health.cache)),
            ("bus", fine(health.bus)),
            ("migrations", migrations),
        ]);
        if let Some(kafka) = &self.kafka {
            parts.insert("kafka", kafka.state());
        }
        if self.stop.is_cancelled() {
            parts.insert("process", Err("stopping".to_owned()));
        }
        parts
    }
}
