//! What the product stands on, killed in turn.

use std::io;
use std::time::Duration;

use anyhow::ensure;
use tests::servers::channel_api::{Behaviour, ChannelApi};
use tests::servers::kafka::Kafka;
use tests::servers::postgres::Postgres;
use tests::servers::redis::Redis;
use tests::wait;
use tokio::time::{Instant, sleep, sleep_until};

use crate::calm::Calm;

/// How long a part is away.
const AWAY: Duration = Duration::from_secs(3);
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Of all faults the first comes after so many parts of the run, and as many come after the last.
const QUIET_PARTS: u32 = 2;
const FAULTS: u32 = 8;

/// One that was away.
pub(crate) struct Suffered {
    pub(crate) what: &'static str,
    pub(crate) at: Duration,
    /// How long after its return both processes said that they are ready.
    pub(crate) ready_after: Duration,
}

pub(crate) struct Parts {
    pub(crate) postgres: Postgres,
    pub(crate) redis: Redis,
    pub(crate) kafka: Kafka,
    pub(crate) api: ChannelApi,
    /// Of the product's processes.
    pub(crate) bases: [String; 2],
}

/// The counters that the API of channels tells of; views rise with each look.
pub(crate) async fn channel_api() -> io::Result<ChannelApi> {
    let api = ChannelApi::start(|_| Behaviour::HangUp).await?;
    answer(&api);
    Ok(api)
}

fn answer(api: &ChannelApi) {
    let began = Instant::now();
    api.behave(move |_| {
        let views = began.elapsed().as_secs();
        Behaviour::Body(format!(
            r#"{{"impressions":{},"views":{views},"clicks":{}}}"#,
            views * 10,
            views / 10
        ))
    });
}

impl Parts {
    /// Kills and restarts each in turn, evenly spread over the run; quiet at its beginning and at its end.
    pub(crate) async fn suffer_in_turn(
        &mut self,
        began: Instant,
        lasts: Duration,
        calm: &Calm,
    ) -> anyhow::Result<Vec<Suffered>> {
        let part = lasts / (FAULTS + 2 * QUIET_PARTS - 1);
        let mut suffered = Vec::new();
        for number in 0..FAULTS {
            sleep_until(began + part * (number + QUIET_PARTS)).await;
            let at = began.elapsed();
            calm.end();
            let what = self.fail(number).await?;
            let returned = Instant::now();
            self.wait_until_ready().await?;
            calm.begin();
            suffered.push(Suffered { what, at, ready_after: returned.elapsed() });
        }
        Ok(suffered)
    }

    async fn fail(&mut self, number: u32) -> anyhow::Result<&'static str> {
        Ok(match number % 4 {
            0 => {
                self.postgres.kill()?;
                sleep(AWAY).await;
                self.postgres.restart().await?;
                "PostgreSQL"
            }
            1 => {
                self.redis.kill()?;
                sleep(AWAY).await;
                self.redis.restart().await?;
                "Redis"
            }
            2 => {
                self.kafka.kill()?;
                sleep(AWAY).await;
                self.kafka.restart().await?;
                "Kafka"
            }
            _ => {
                self.api.behave(|_| Behaviour::HangUp);
                sleep(AWAY * 3).await;
                answer(&self.api);
                "channel APIs"
            }
        })
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        for base in &self.bases {
            wait::until("/readyz to say 200", READY_WITHIN, async || {
                let ready = async {
                    let response = reqwest::get(format!("{base}/readyz")).await?;
                    ensure!(response.status().is_success(), "{}", response.text().await?);
                    Ok(())
                };
                Ok(ready.await)
            })
            .await?;
        }
        Ok(())
    }
}
