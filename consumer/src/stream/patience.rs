use tokio_util::sync::CancellationToken;

use crate::{backoff::Backoff, metrics, state::Monitor};

/// Waits between tries of one thing, and tells of a trouble once when it begins and once when it is over.
pub(super) struct Patience {
    what: &'static str,
    backoff: Backoff,
    monitor: Monitor,
    stop: CancellationToken,
    troubled: bool,
}

impl Patience {
    pub(super) fn new(
        what: &'static str,
        backoff: Backoff,
        monitor: Monitor,
        stop: CancellationToken,
    ) -> Self {
        Self { what, backoff, monitor, stop, troubled: false }
    }

    /// Waits before the next try; `false` where there is to be none, because the consumer is being stopped.
    pub(super) async fn wait(&mut self, trouble: &str) -> bool {
        metrics::retried(self.what);
        if !self.troubled {
            self.troubled = true;
            tracing::warn!(what = self.what, "waiting: {trouble}");
        }
        self.monitor.trouble(trouble);
        self.stop.run_until_cancelled(tokio::time::sleep(self.backoff.pause())).await.is_some()
    }

    /// It worked.
    pub(super) fn worked(&mut self) {
        if self.troubled {
            self.troubled = false;
            self.backoff.reset();
            self.monitor.fine();
            tracing::info!(what = self.what, "going on");
        }
    }
}
