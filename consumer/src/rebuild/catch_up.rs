use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use service::{
    ErrorKind, Service,
    domain::EventId,
    ingest::{Batch, Message},
};

use super::{
    Progress, RebuildError,
    source::{Range, Source},
};
use crate::{
    message,
    record::{Lookup, Record},
    store::Partition,
};

/// Messages of a transaction.
const BATCH: usize = 5_000;

/// Brings the fresh tables to where the live ones are.
pub(super) struct CatchUp<'a> {
    source: &'a Source,
    fresh: &'a Arc<Service>,
    /// The only event whose messages are applied.
    only: Option<&'a EventId>,
    reached: HashMap<Partition, i64>,
    messages: u64,
    touched: BTreeSet<EventId>,
    has_read: bool,
}

impl<'a> CatchUp<'a> {
    pub(super) fn new(source: &'a Source, fresh: &'a Arc<Service>, only: Option<&'a EventId>) -> Self {
        let reached = source.beginnings().clone();
        Self { source, fresh, only, reached, messages: 0, touched: BTreeSet::new(), has_read: false }
    }

    /// Messages that were applied.
    pub(super) const fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether it was caught up at all.
    pub(super) const fn has_read(&self) -> bool {
        self.has_read
    }

    /// Events that messages told of since this was last forgotten.
    pub(super) const fn touched(&self) -> &BTreeSet<EventId> {
        &self.touched
    }

    pub(super) fn forget_touched(&mut self) {
        self.touched.clear();
    }

    /// How many messages lie between the fresh tables and these positions.
    pub(super) fn behind(&self, positions: &HashMap<Partition, i64>) -> Result<u64, RebuildError> {
        Ok(self.ranges(positions)?.iter().map(Range::len).sum())
    }

    fn ranges(&self, positions: &HashMap<Partition, i64>) -> Result<Vec<Range>, RebuildError> {
        let is_new = |partition: &Partition| {
            self.source.kind(&partition.0).is_some() && !self.reached.contains_key(partition)
        };
        if positions.iter().any(|(partition, position)| *position > 0 && is_new(partition)) {
            return Err(RebuildError::Moved);
        }
        let mut ranges = Vec::new();
        for (partition, reached) in &self.reached {
            // Nothing stored, or nothing of what Kafka still has: nothing to read.
            let position = positions.get(partition).copied().unwrap_or_default();
            let begun = *reached > self.source.beginnings().get(partition).copied().unwrap_or_default();
            if position < *reached && begun {
                return Err(RebuildError::Moved);
            }
            if position > *reached {
                ranges.push(Range { partition: partition.clone(), from: *reached, to: position });
            }
        }
        Ok(ranges)
    }

    /// Applies all messages below these positions.
    pub(super) async fn read_to(
        &mut self,
        positions: &HashMap<Partition, i64>,
        progress: &mut impl Progress,
    ) -> Result<(), RebuildError> {
        let ranges = self.ranges(positions)?;
        self.has_read = true;
        if ranges.is_empty() {
            return Ok(());
        }
        progress.reading(ranges.iter().map(Range::len).sum());
        let mut records = self.source.read(ranges)?;
        let mut next: HashMap<Partition, i64> = HashMap::new();
        let mut messages = Vec::with_capacity(BATCH);
        while let Some(record) = records.next().await {
            let partition = (record.topic.clone(), record.partition);
            let from =
                next.get(&partition).or_else(|| self.reached.get(&partition)).copied().unwrap_or_default();
            progress.read((record.offset + 1 - from).unsigned_abs());
            next.insert(partition, record.offset + 1);
            messages.extend(self.decode(&record));
            if messages.len() == BATCH {
                self.apply(std::mem::take(&mut messages), std::mem::take(&mut next)).await?;
            }
        }
        records.finish().await?;
        self.apply(messages, next).await?;
        for (partition, position) in positions {
            if let Some(reached) = self.reached.get_mut(partition) {
                *reached = (*reached).max(*position);
            }
        }
        Ok(())
    }

    /// What can't be decoded was dead-lettered.
    fn decode(&self, record: &Record) -> Option<Message> {
        let kind = self.source.kind(&record.topic)?;
        let decoded = message::decode(kind, record.payload.as_deref(), &Lookup(&record.headers)).ok()?;
        if self.only.is_some_and(|only| only != decoded.fact.event_id()) {
            return None;
        }
        Some(Message {
            topic: record.topic.clone(),
            partition: record.partition,
            offset: record.offset,
            message_id: decoded.message_id,
            fact: decoded.fact,
        })
    }

    async fn apply(
        &mut self,
        messages: Vec<Message>,
        next: HashMap<Partition, i64>,
    ) -> Result<(), RebuildError> {
        self.touched.extend(messages.iter().map(|message| message.fact.event_id().clone()));
        self.messages += messages.len() as u64;
        let mut left = vec![messages];
        while let Some(messages) = left.pop() {
            // Without positions: ids alone tell what was applied, so doing it again is harmless.
            let mut batch = Batch { messages, ..Batch::default() };
            match self.fresh.apply(self.source.cluster_id(), &batch).await {
                Ok(_) => {}
                // What the database refuses was dead-lettered; it is found by halving.
                Err(error) if error.kind() == ErrorKind::Data && !batch.messages.is_empty() => {
                    if batch.messages.len() > 1 {
                        let later = batch.messages.split_off(batch.messages.len() / 2);
                        left.extend([later, batch.messages]);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.reached.extend(next);
        Ok(())
    }
}
