use std::{sync::Arc, time::Duration};

use consumer::Monitor;
use rand::{RngCore as _, SeedableRng as _, rngs::SmallRng};
use service::{Service, Upkeep};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    base::{BrokerAt, DatabaseAt, await_schema, begin_anew},
    demo,
};
use crate::{config::Kafka, failure::Failure};

/// How long the parts may take to finish what they are at. With what follows, a stop takes no more than 10 s.
const FINISH_WITHIN: Duration = Duration::from_secs(8);

/// The parts that run side by side. The first that fails ends the process; when the process is asked to stop, all are
/// waited for.
pub(super) struct Crew {
    parts: JoinSet<Result<(), Failure>>,
    stop: CancellationToken,
}

impl Crew {
    pub(super) fn new(stop: &CancellationToken) -> Self {
        Self { parts: JoinSet::new(), stop: stop.clone() }
    }

    pub(super) fn hire(&mut self, part: impl Future<Output = Result<(), Failure>> + Send + 'static) {
        self.parts.spawn(part);
    }

    /// Works until the process is asked to stop, and a little longer.
    pub(super) async fn work(mut self, database: &mut DatabaseAt) -> Result<(), Failure> {
        let outcome = loop {
            tokio::select! {
                () = self.stop.cancelled() => break Ok(()),
                failure = database.watch() => break Err(failure),
                part = self.parts.join_next() => match part {
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(failure))) => break Err(failure),
                    Some(Err(broken)) => break Err(broken.into()),
                    None => break Ok(()),
                },
            }
        };
        self.stop.cancel();
        let finish = async {
            while let Some(part) = self.parts.join_next().await {
                if let Ok(Err(failure)) = part {
                    tracing::warn!("{failure}");
                }
            }
        };
        if tokio::time::timeout(FINISH_WITHIN, finish).await.is_err() {
            tracing::warn!(
                "not everything was finished in time; what is missing is done again after the next start"
            );
        }
        outcome
    }
}

/// What a consuming process needs.
pub(super) struct Consuming {
    pub(super) service: Arc<Service>,
    pub(super) kafka: Kafka,
    pub(super) monitor: Monitor,
    pub(super) upkeep: Upkeep,
    /// Whether to bring the schema up.
    pub(super) migrate: bool,
    /// Whether an embedded broker is filled with demo data.
    pub(super) demo: bool,
}

impl Consuming {
    /// Hires what consumes. It begins when the database has its schema.
    pub(super) fn join(self, crew: &mut Crew, database: &DatabaseAt, broker: &Arc<BrokerAt>) {
        let (url, broker, stop) = (database.url.clone(), Arc::clone(broker), crew.stop.clone());
        crew.hire(async move {
            await_schema(&self.service, &url, self.migrate, &stop).await;
            if let Some(embedded) = &broker.embedded {
                begin_anew(&self.service, embedded, &self.kafka, &stop).await;
            }
            if stop.is_cancelled() {
                return Ok(());
            }
            let reading = consumer::run(
                Arc::clone(&self.service),
                self.kafka.consumer(&broker.address),
                self.monitor,
                stop.clone(),
            );
            // Not the process's own: that a part has failed is told by the part.
            let end = stop.child_token();
            let house = Arc::clone(&self.service).keep_house(self.upkeep, end.clone());
            let live = CancellationToken::new();
            let demo = async {
                if let Some(embedded) = broker.embedded.as_ref().filter(|_| self.demo) {
                    demo::embedded(&self.service, embedded, &self.kafka, &live, &end).await;
                }
            };
            let seed = SmallRng::from_os_rng().next_u64();
            let channels = async {
                // Else all that the demo's history tells would look like growth of its first minute.
                if broker.embedded.is_some() && self.demo {
                    end.run_until_cancelled(live.cancelled()).await;
                }
                Arc::clone(&self.service).refresh_channels(seed, end.clone()).await;
            };
            let (outcome, (), (), ()) = tokio::join!(
                async {
                    let outcome = reading.await;
                    // Without the consumer there is nothing to keep house for.
                    end.cancel();
                    outcome
                },
                house,
                channels,
                demo
            );
            Ok(outcome?)
        });
    }
}
