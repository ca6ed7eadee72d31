//! Waiting for a condition, never for a length of time.

use std::time::{Duration, Instant};

use anyhow::bail;

/// Between two looks at a condition.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `probe` gives a value.
///
/// A probe's error means "not yet"; the last one is told when the time is over.
///
/// # Errors
/// Nothing came within `limit`.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        let last = match probe().await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if started.elapsed() > limit {
            let why = last.map(|error| format!(": {error:#}")).unwrap_or_default();
            bail!("waited {limit:?} in vain for {what}{why}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
