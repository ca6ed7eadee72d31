//! The consumer as it is deployed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sea_orm::sqlx;
use tests::servers::postgres::Postgres;
use tests::testbed::{Pulsegate, Role, Testbed};

use crate::UNTIMED;
use crate::topics::Filled;
use crate::workload::FULL_EVENT;

const THROUGH_WITHIN: Duration = Duration::from_secs(300);
/// Rarely: looking costs processor time that the limit does not pay.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) struct Consumed {
    /// Messages per second.
    pub(crate) rate: f64,
    /// Messages of a transaction, on average.
    pub(crate) batch: usize,
}

pub(crate) async fn measure(postgres: &Postgres, topics: &Filled) -> anyhow::Result<Consumed> {
    let testbed = Testbed::builder().postgres(postgres).build().await?;
    sqlx::query("INSERT INTO event_stats (event_id, event_title, user_id, total_participants) VALUES ($1, '', '', $2)")
        .bind(FULL_EVENT)
        .bind(i32::MAX)
        .execute(testbed.database())
        .await?;
    let mut consumer = testbed.start_with(Role::Consume, &topics.variables()).await?;
    let all = i64::try_from(topics.messages)?;
    let untimed = i64::try_from(topics.messages / UNTIMED)?;
    let asked = Instant::now();
    let mut first = None;
    let (rate, batch) = loop {
        ensure!(asked.elapsed() < THROUGH_WITHIN, "the consumer is not through: {}", consumer.log()?);
        let positions = "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_position";
        let applied: i64 = sqlx::query_scalar(positions).fetch_one(testbed.database()).await?;
        let now = Instant::now();
        match first {
            None if applied >= untimed => first = Some((now, applied)),
            Some((since, before)) if applied >= all => {
                let rate = (applied - before) as f64 / (now - since).as_secs_f64();
                break (rate, batch(&consumer).await?);
            }
            _ => {}
        }
        tokio::time::sleep(LOOK).await;
    };
    let counted: i32 =
        sqlx::query_scalar("SELECT sum(total_participants)::int FROM event_stats WHERE event_id <> $1")
            .bind(FULL_EVENT)
            .fetch_one(testbed.database())
            .await?;
    ensure!(counted > 0, "nothing was counted");
    consumer.terminate()?;
    Ok(Consumed { rate, batch })
}

/// From the consumer's own metrics.
async fn batch(consumer: &Pulsegate) -> anyhow::Result<usize> {
    const METRIC: &str = "pulsegate_consumer_batch_messages";
    let text = reqwest::get(format!("{}/metrics", consumer.base())).await?.text().await?;
    let value = |suffix: &str| -> anyhow::Result<f64> {
        let name = format!("{METRIC}_{suffix} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        Ok(line.with_context(|| format!("{name}is not among the metrics"))?.trim().parse()?)
    };
    let mean = value("sum")? / value("count")?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a batch is small and not negative"
    )]
    Ok(mean.round() as usize)
}
