use std::collections::HashMap;

use service::ingest::{Batch, Message, Position};

use super::{lease::Hold, queue::Item};
use crate::{message::Rejection, record::Record, store::Partition};

/// What one transaction covers: a run of records of some partitions, and what of it is to be applied. Records whose
/// message is not in the batch were dead-lettered; the positions pass over them.
#[derive(Debug, Default)]
pub(super) struct Portion {
    /// In the order of their offsets within each partition.
    records: Vec<Record>,
    batch: Batch,
}

/// The right to work on each partition of a portion.
pub(super) type Holds = HashMap<Partition, Hold>;

/// How a portion that was refused as a whole goes on.
#[derive(Debug)]
pub(super) enum Split {
    /// It is smaller now, and this comes after it.
    Before(Portion),
    /// It held one message only, which is taken out: its record is to be dead-lettered.
    One(Box<Record>),
    /// There is no message in it that could have been refused.
    Nothing,
}

impl Portion {
    /// Sorts items into what is to be applied and what is to be dead-lettered. Items of partitions that were given up
    /// are dropped: their next owner reads them again.
    pub(super) fn new(items: Vec<Item>) -> (Self, Vec<(usize, Rejection)>, Holds) {
        let mut portion = Self { records: Vec::with_capacity(items.len()), batch: Batch::default() };
        portion.batch.messages.reserve(items.len());
        let mut rejected = Vec::new();
        let mut holds = Holds::new();
        for item in items {
            let partition = (item.record.topic.clone(), item.record.partition);
            // A partition that was given up and came back has items of both times here, those of the former first.
            if !holds.get(&partition).is_some_and(|hold| hold.is_of(&item.lease)) {
                let Some(hold) = item.lease.hold() else { continue };
                holds.insert(partition, hold);
            }
            match item.content {
                Ok(decoded) => portion.batch.messages.push(Message {
                    topic: item.record.topic.clone(),
                    partition: item.record.partition,
                    offset: item.record.offset,
                    message_id: decoded.message_id,
                    fact: decoded.fact,
                }),
                Err(rejection) => rejected.push((portion.records.len(), rejection)),
            }
            portion.records.push(item.record);
        }
        portion.place();
        (portion, rejected, holds)
    }

    pub(super) fn batch(&self) -> &Batch {
        &self.batch
    }

    pub(super) fn record(&self, index: usize) -> &Record {
        &self.records[index]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Leaves out what belongs to partitions that were given up.
    pub(super) fn keep(&mut self, holds: &Holds) {
        let kept = |topic: &std::sync::Arc<str>, partition| {
            holds.get(&(topic.clone(), partition)).is_some_and(|hold| !hold.revoked())
        };
        if self.batch.positions.iter().all(|position| kept(&position.topic, position.partition)) {
            return;
        }
        self.records.retain(|record| kept(&record.topic, record.partition));
        self.batch.messages.retain(|message| kept(&message.topic, message.partition));
        self.place();
    }

    /// Halves it between its messages, so that each half is in order, the earlier one first.
    pub(super) fn split(&mut self) -> Split {
        let count = self.batch.messages.len();
        let Some(middle) = self.batch.messages.get(count / 2) else { return Split::Nothing };
        let is_middle = |record: &Record| {
            record.offset == middle.offset
                && record.partition == middle.partition
                && record.topic == middle.topic
        };
        let Some(at) = self.records.iter().position(is_middle) else { return Split::Nothing };
        if count == 1 {
            let record = self.records[at].clone();
            self.batch.messages.clear();
            return Split::One(Box::new(record));
        }
        let mut later = Self { records: self.records.split_off(at), batch: Batch::default() };
        later.batch.messages = self.batch.messages.split_off(count / 2);
        later.place();
        self.place();
        Split::Before(later)
    }

    /// The positions after all records, dead-lettered ones included.
    fn place(&mut self) {
        let mut positions: Vec<Position> = Vec::new();
        for record in &self.records {
            let next_offset = record.offset + 1;
            match positions
                .iter_mut()
                .find(|position| position.partition == record.partition && position.topic == record.topic)
            {
                Some(position) => position.next_offset = position.next_offset.max(next_offset),
                None => positions.push(Position {
                    topic: record.topic.clone(),
                    partition: record.partition,
                    next_offset,
                }),
            }
        }
        self.batch.positions = positions;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use service::{
        domain::EventId,
        ingest::{Fact, ParticipantRegistered},
    };

    use super::*;
    use crate::{
        message::{Code, Decoded},
        stream::lease::Lease,
    };

    fn item(lease: &Arc<Lease>, partition: i32, offset: i64, good: bool) -> Item {
        Item {
            record: Record {
                topic: "t".into(),
                partition,
                offset,
                key: None,
                payload: None,
                headers: Vec::new(),
            },
            content: if good {
                Ok(Decoded {
                    message_id: None,
                    fact: Fact::ParticipantRegistered(ParticipantRegistered {
                        event_id: EventId::parse("e").unwrap(),
                        channel: None,
                        occurred_at: "2026-01-05T00:00:00Z".parse().unwrap(),
                    }),
                })
            } else {
                Err(Rejection::new(Code::InvalidJson, "broken"))
            },
            lease: Arc::clone(lease),
        }
    }

    fn offsets(portion: &Portion) -> Vec<(i32, i64)> {
        portion.batch().messages.iter().map(|message| (message.partition, message.offset)).collect()
    }

    fn positions(portion: &Portion) -> Vec<(i32, i64)> {
        portion.batch().positions.iter().map(|position| (position.partition, position.next_offset)).collect()
    }

    #[test]
    fn positions_pass_over_what_is_rejected() {
        let lease = Arc::new(Lease::default());
        let items = vec![item(&lease, 0, 4, true), item(&lease, 1, 9, false), item(&lease, 0, 7, false)];
        let (portion, rejected, _holds) = Portion::new(items);
        assert_eq!(offsets(&portion), [(0, 4)]);
        assert_eq!(positions(&portion), [(0, 8), (1, 10)]);
        assert_eq!(
            rejected.iter().map(|(index, _)| portion.record(*index).offset).collect::<Vec<_>>(),
            [9, 7]
        );
    }

    #[test]
    fn halves_cover_the_whole_in_order() {
        let lease = Arc::new(Lease::default());
        let items = (0..7).map(|offset| item(&lease, (offset % 2) as i32, offset, offset != 3)).collect();
        let (mut earlier, ..) = Portion::new(items);
        let Split::Before(later) = earlier.split() else { panic!() };
        assert_eq!(offsets(&earlier), [(0, 0), (1, 1), (0, 2)]);
        assert_eq!(positions(&earlier), [(0, 3), (1, 4)]);
        assert_eq!(offsets(&later), [(0, 4), (1, 5), (0, 6)]);
        assert_eq!(positions(&later), [(0, 7), (1, 6)]);
    }

    #[test]
    fn the_last_message_is_taken_out_and_passed_over() {
        let lease = Arc::new(Lease::default());
        let (mut portion, ..) = Portion::new(vec![
            item(&lease, 0, 1, false),
            item(&lease, 0, 2, true),
            item(&lease, 0, 3, false),
        ]);
        let Split::One(record) = portion.split() else { panic!() };
        assert_eq!(record.offset, 2);
        assert_eq!(positions(&portion), [(0, 4)]);
        assert!(offsets(&portion).is_empty());
        assert!(matches!(portion.split(), Split::Nothing));
    }

    #[test]
    fn what_was_given_up_is_left_to_the_next_owner() {
        let kept = Arc::new(Lease::default());
        let given = Arc::new(Lease::default());
        let (mut portion, _, holds) = Portion::new(vec![item(&kept, 0, 1, true), item(&given, 1, 5, true)]);
        given.revoke();
        portion.keep(&holds);
        assert_eq!(offsets(&portion), [(0, 1)]);
        assert_eq!(positions(&portion), [(0, 2)]);
        drop(holds);
        assert!(given.idle());
    }

    #[test]
    fn a_partition_that_came_back_is_read_from_its_new_start() {
        let former = Arc::new(Lease::default());
        let present = Arc::new(Lease::default());
        former.revoke();
        let (portion, _, holds) = Portion::new(vec![
            item(&former, 0, 8, true),
            item(&former, 0, 9, true),
            item(&present, 0, 5, true),
            item(&present, 0, 6, true),
        ]);
        assert_eq!(offsets(&portion), [(0, 5), (0, 6)]);
        assert_eq!(positions(&portion), [(0, 7)]);
        assert!(!holds[&(Arc::from("t"), 0)].revoked());
    }
}
