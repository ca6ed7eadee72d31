//! The bare limit: batches that lie ready, through the product's own transactions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use consumer::message::{Kind, decode};
use service::clock::SystemClock;
use service::ingest::{self, Batch, Position};
use service::{Service, Settings};
use tests::servers::postgres::Postgres;
use tests::testbed::Testbed;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::UNTIMED;
use crate::workload::Message;

const CLUSTER: &str = "bench";

/// Messages per second.
pub(crate) async fn measure(postgres: &Postgres, messages: &[Message], batch: usize) -> anyhow::Result<f64> {
    let testbed = Testbed::builder().postgres(postgres).build().await?;
    let settings = Settings {
        database_url: testbed.database_url().to_owned(),
        database_read_url: None,
        redis_url: None,
        cache: true,
        pool_size: 4,
        acquire_timeout: Duration::from_secs(30),
        statement_timeout: Duration::from_secs(30),
    };
    let service = Service::new(&settings, Arc::new(SystemClock))?;
    // Before the clock runs: connections, and what is read once.
    service.apply(CLUSTER, &Batch::default()).await?;
    let writers = batches(messages, batch)?;
    let (sender, mut applied) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for batches in writers {
        let (service, sender) = (Arc::clone(&service), sender.clone());
        tasks.spawn(async move {
            for batch in &batches {
                service.apply(CLUSTER, batch).await?;
                // Nobody listens where another writer has failed.
                sender.send((Instant::now(), batch.messages.len())).ok();
            }
            Ok::<_, service::Error>(())
        });
    }
    drop(sender);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let (mut first, mut last, mut count) = (None, None, 0);
    while let Some((at, messages_applied)) = applied.recv().await {
        count += messages_applied;
        if count >= messages.len() / UNTIMED {
            first.get_or_insert((at, count));
        }
        last = Some((at, count));
    }
    let ((since, before), (at, count)) = first.zip(last).context("nothing was applied")?;
    Ok((count - before) as f64 / (at - since).as_secs_f64())
}

/// One writer for each partition, as the consumer has it.
fn batches(messages: &[Message], size: usize) -> anyhow::Result<Vec<Vec<Batch>>> {
    let headers: &[(&str, &[u8])] = &[];
    let mut writers: BTreeMap<u16, Vec<ingest::Message>> = BTreeMap::new();
    let mut offsets: BTreeMap<(&str, u16), i64> = BTreeMap::new();
    for message in messages {
        let decoded = decode(message.kind, Some(&message.body), headers)
            .map_err(|rejection| anyhow!("{}: {}", rejection.code, rejection.message))?;
        let topic = match message.kind {
            Kind::EventCreated => "event.created",
            Kind::ParticipantRegistered => "participant.registered",
            Kind::DistributionCompleted => "distribution.completed",
        };
        let next = offsets.entry((topic, message.partition)).or_default();
        writers.entry(message.partition).or_default().push(ingest::Message {
            topic: topic.into(),
            partition: message.partition.into(),
            offset: *next,
            message_id: decoded.message_id,
            fact: decoded.fact,
        });
        *next += 1;
    }
    let batch = |messages: &[ingest::Message]| {
        let mut ends: BTreeMap<(Arc<str>, i32), i64> = BTreeMap::new();
        for message in messages {
            ends.insert((Arc::clone(&message.topic), message.partition), message.offset + 1);
        }
        let positions = ends.into_iter();
        let positions =
            positions.map(|((topic, partition), next_offset)| Position { topic, partition, next_offset });
        Batch { positions: positions.collect(), messages: messages.to_vec(), ..Batch::default() }
    };
    Ok(writers.into_values().map(|messages| messages.chunks(size).map(batch).collect()).collect())
}
