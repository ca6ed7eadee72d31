//! Waiting for a condition, never for a length of time.

use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, sleep, timeout_at};

/// Between two looks at a condition.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `probe` succeeds.
///
/// The probe's inner error says why the time has not come yet; the last one is told when it never does. The
/// outer error says that there is no use in waiting.
///
/// # Errors
/// It didn't succeed within `limit`, or never will.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> anyhow::Result<anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    let mut reason = None;
    loop {
        match timeout_at(deadline, probe()).await {
            Ok(Ok(Ok(value))) => return Ok(value),
            Ok(Ok(Err(not_yet))) => reason = Some(not_yet),
            Ok(Err(never)) => return Err(never),
            Err(_) => {}
        }
        // Asked here too: a probe that never has to wait never meets its time limit.
        if Instant::now() >= deadline {
            let reason = reason.unwrap_or_else(|| anyhow!("there was no answer at all"));
            return Err(reason.context(format!("waited {limit:?} in vain for {what}")));
        }
        sleep(PAUSE).await;
    }
}
