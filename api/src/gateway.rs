use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use service::Service;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    addresses::Addresses, auth::Authenticator, error::Reporter, execution::Executor, graphql,
    response_cache::ResponseCache, settings::Settings,
};

/// Whether everything that the gateway needs is there.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// Each part with a detail (empty: just there), or with what is missing in plain words.
    async fn check(&self) -> BTreeMap<&'static str, Result<String, String>>;
}

/// Renders the process' metrics in Prometheus' text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the routes share.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) executor: Arc<Executor>,
    pub(crate) responses: ResponseCache,
    pub(crate) authenticator: Authenticator,
    pub(crate) addresses: Option<Addresses>,
    pub(crate) settings: Settings,
    pub(crate) readiness: Arc<dyn Readiness>,
    pub(crate) metrics: Option<RenderMetrics>,
    pub(crate) stop: CancellationToken,
    /// WebSockets, which the HTTP server does not wait for.
    pub(crate) sockets: TaskTracker,
    pub(crate) sdl: String,
}

impl Gateway {
    /// A gateway to `service`. When `stop` is cancelled, WebSockets are closed with 1012 and event streams end, so that
    /// their clients connect elsewhere.
    #[must_use]
    pub fn new(
        service: Arc<Service>,
        settings: Settings,
        readiness: Arc<dyn Readiness>,
        metrics: Option<RenderMetrics>,
        stop: CancellationToken,
    ) -> Self {
        let clock = service.clock().clone();
        let reporter = Reporter::new(&clock);
        let revocations = Arc::clone(service.revocations());
        Self(Arc::new(Shared {
            responses: ResponseCache::new(Arc::clone(&service)),
            executor: Arc::new(Executor::new(service, &settings, reporter)),
            authenticator: Authenticator::new(settings.auth.clone(), clock, revocations),
            addresses: settings
                .requests_per_minute
                .map(|limit| Addresses::new(limit, settings.proxies.clone())),
            settings,
            readiness,
            metrics,
            stop,
            sockets: TaskTracker::new(),
            sdl: graphql::sdl(),
        }))
    }

    /// Returns when the last WebSocket has been closed, once it was asked to stop.
    pub async fn closed(self) {
        self.0.stop.cancelled().await;
        self.0.sockets.close();
        self.0.sockets.wait().await;
    }
}
