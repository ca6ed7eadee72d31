//! How far each partition has been applied: the database's word, in the same transaction as the effects.

use std::{collections::HashMap, sync::Arc};

use sea_orm::sqlx::{self, PgConnection};

use super::{Place, Position};
use crate::{Error, Service};

type Places = HashMap<(Arc<str>, i32), Place>;

/// What to do about places that are not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Notice,
    Make,
}

/// Topic, partition, generation and next offset.
type Row = (String, i32, i32, i64);

fn split(positions: &[Position]) -> (Vec<String>, Vec<i32>, Vec<i64>) {
    let mut sorted: Vec<&Position> = positions.iter().collect();
    sorted.sort_unstable_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    (
        sorted.iter().map(|position| position.topic.to_string()).collect(),
        sorted.iter().map(|position| position.partition).collect(),
        sorted.iter().map(|position| position.next_offset).collect(),
    )
}

/// Locks the places of the batch's partitions until the transaction ends. The lock fences a consumer that lost the
/// partition and doesn't know: it waits here, then sees how far the new owner has come.
///
/// `None` where places are `missing`. They are to be made in another transaction, before it locks any: to lock those that
/// are there, and later those that are not, is no order, and two that share partitions would wait for each other.
pub(super) async fn lock(
    tx: &mut PgConnection,
    cluster_id: &str,
    positions: &[Position],
    missing: Missing,
) -> Result<Option<Places>, Error> {
    let (topics, partitions, _) = split(positions);
    if missing == Missing::Make {
        sqlx::query(
            "INSERT INTO consumer_position (cluster_id, topic, partition, next_offset) \
             SELECT $1, topic, partition, 0 FROM unnest($2::text[], $3::int[]) AS asked (topic, partition) \
             ORDER BY topic, partition ON CONFLICT DO NOTHING",
        )
        .bind(cluster_id)
        .bind(&topics)
        .bind(&partitions)
        .execute(&mut *tx)
        .await?;
    }
    let places = select_for_update(tx, cluster_id, &topics, &partitions).await?;
    let are_all = missing == Missing::Make || places.len() == positions.len();
    Ok(are_all.then_some(places))
}

/// Whether what the reader took for stored is.
///
/// # Errors
/// [`Error::Stale`] where another reader has begun a new generation, or the database has lost commits, as a standby may
/// that takes over.
pub(super) fn check(places: &Places, expected: &Places) -> Result<(), Error> {
    for (partition, expected) in expected {
        let stored = places.get(partition).copied().unwrap_or_default();
        if stored.generation != expected.generation || stored.next_offset < expected.next_offset {
            let (topic, number) = partition;
            return Err(Error::Stale { partition: format!("{topic}/{number}"), stored, expected: *expected });
        }
    }
    Ok(())
}

async fn select_for_update(
    tx: &mut PgConnection,
    cluster_id: &str,
    topics: &[String],
    partitions: &[i32],
) -> Result<Places, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT topic, partition, generation, next_offset FROM consumer_position \
         WHERE cluster_id = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::int[])) \
         ORDER BY topic, partition FOR UPDATE",
    )
    .bind(cluster_id)
    .bind(topics)
    .bind(partitions)
    .fetch_all(tx)
    .await?;
    Ok(places(rows))
}

fn places(rows: Vec<Row>) -> Places {
    rows.into_iter()
        .map(|(topic, partition, generation, next_offset)| {
            ((topic.into(), partition), Place { generation, next_offset })
        })
        .collect()
}

/// Moves the places on; never back.
pub(super) async fn advance(
    tx: &mut PgConnection,
    cluster_id: &str,
    positions: &[Position],
) -> Result<(), Error> {
    let (topics, partitions, offsets) = split(positions);
    sqlx::query(
        "UPDATE consumer_position AS stored SET next_offset = sent.next_offset \
         FROM unnest($2::text[], $3::int[], $4::bigint[]) AS sent (topic, partition, next_offset) \
         WHERE stored.cluster_id = $1 AND stored.topic = sent.topic AND stored.partition = sent.partition \
           AND stored.next_offset < sent.next_offset",
    )
    .bind(cluster_id)
    .bind(topics)
    .bind(partitions)
    .bind(offsets)
    .execute(tx)
    .await?;
    Ok(())
}

impl Service {
    /// Where to read on in each of these partitions; a partition that was never read is absent.
    ///
    /// # Errors
    /// What the database says.
    pub async fn positions(
        &self,
        cluster_id: &str,
        of: &[(Arc<str>, i32)],
    ) -> Result<HashMap<(Arc<str>, i32), Place>, Error> {
        let topics: Vec<String> = of.iter().map(|(topic, _)| topic.to_string()).collect();
        let partitions: Vec<i32> = of.iter().map(|(_, partition)| *partition).collect();
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT topic, partition, generation, next_offset FROM consumer_position \
             WHERE cluster_id = $1 AND (topic, partition) IN (SELECT * FROM unnest($2::text[], $3::int[]))",
        )
        .bind(cluster_id)
        .bind(topics)
        .bind(partitions)
        .fetch_all(self.pool())
        .await?;
        Ok(places(rows))
    }

    /// Begins a new generation of these partitions at the given offsets, because what is stored belongs to a topic
    /// that was made anew or cut, and tells them. What was applied stays applied: message ids see to that.
    ///
    /// # Errors
    /// What the database says.
    pub async fn reset_positions(
        &self,
        cluster_id: &str,
        to: &[Position],
    ) -> Result<HashMap<(Arc<str>, i32), Place>, Error> {
        let (topics, partitions, offsets) = split(to);
        let rows: Vec<Row> = sqlx::query_as(
            "INSERT INTO consumer_position AS stored (cluster_id, topic, partition, next_offset) \
             SELECT $1, topic, partition, next_offset \
             FROM unnest($2::text[], $3::int[], $4::bigint[]) AS sent (topic, partition, next_offset) \
             ORDER BY topic, partition \
             ON CONFLICT (cluster_id, topic, partition) DO UPDATE \
             SET next_offset = excluded.next_offset, generation = stored.generation + 1 \
             RETURNING topic, partition, generation, next_offset",
        )
        .bind(cluster_id)
        .bind(topics)
        .bind(partitions)
        .bind(offsets)
        .fetch_all(self.pool())
        .await?;
        Ok(places(rows))
    }
}
