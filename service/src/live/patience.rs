use std::time::Duration;

use crate::{Error, ErrorKind, Service, cursor::Cursors};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Reads until the database answers: a stream outlives an outage. Being dropped ends it at once.
pub(super) async fn patiently<T, F>(read: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        match read().await {
            Err(error) if error.kind() == ErrorKind::Transient => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            outcome => return outcome,
        }
    }
}

impl Service {
    /// The seal of this installation's cursors, as soon as the database can be asked for it.
    pub(super) async fn cursors(&self) -> Result<Cursors, Error> {
        patiently(|| async { Ok(self.installation().await?.cursors.clone()) }).await
    }
}
