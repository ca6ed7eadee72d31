use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use service::{
    domain::EventId,
    ingest::{Batch, Message, Position},
};

use super::{
    lease::{Hold, Lease},
    queue::Item,
};
use crate::{message::Rejection, record::Record, store::Partition};

/// Messages that are told apart one by one.
const FEW: usize = 64;

/// What one transaction covers: a run of records of some partitions, and what of it is to be applied. Records whose
/// message is not in the batch were dead-lettered; the positions pass over them.
#[derive(Debug, Default)]
pub(super) struct Portion {
    /// In the order of their offsets within each partition.
    records: Vec<Record>,
    batch: Batch,
    /// Where positions stay, because other messages of the same run are still to be applied; else they move.
    floor: Option<Vec<Position>>,
}

/// The right to work on each partition of a portion.
pub(super) type Holds = HashMap<Partition, Hold>;

/// How a portion that was refused as a whole goes on.
#[derive(Debug)]
pub(super) enum Split {
    /// It is smaller now, and this comes after it.
    Before(Portion),
    /// It held one message only, about this event, which is taken out: its record is to be dead-lettered.
    One(Box<Record>, EventId),
    /// There is no message in it that could have been refused.
    Nothing,
}

impl Portion {
    /// Sorts items into what is to be applied and what is to be dead-lettered. Items of partitions that were given up
    /// are dropped: their next owner reads them again.
    pub(super) fn new(items: Vec<Item>) -> (Self, Vec<(usize, Rejection)>, Holds) {
        let mut portion = Self { records: Vec::with_capacity(items.len()), ..Self::default() };
        portion.batch.messages.reserve(items.len());
        let mut rejected = Vec::new();
        let mut holds = Holds::new();
        // Whose hold was looked for last, and whether it was had: a partition's records come in runs.
        let mut last: Option<(Arc<Lease>, bool)> = None;
        for item in items {
            let held = match &last {
                Some((lease, held)) if Arc::ptr_eq(lease, &item.lease) => *held,
                _ => {
                    let held = hold(&mut holds, &item);
                    last = Some((Arc::clone(&item.lease), held));
                    held
                }
            };
            if !held {
                continue;
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

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn record(&self, index: usize) -> &Record {
        &self.records[index]
    }

    /// Leaves out what belongs to partitions that were given up.
    pub(super) fn keep(&mut self, holds: &Holds) {
        let kept = |topic: &Arc<str>, partition| {
            holds.get(&(topic.clone(), partition)).is_some_and(|hold| !hold.revoked())
        };
        if self.batch.positions.iter().all(|position| kept(&position.topic, position.partition)) {
            return;
        }
        self.records.retain(|record| kept(&record.topic, record.partition));
        self.batch.messages.retain(|message| kept(&message.topic, message.partition));
        self.place();
    }

    /// Says what has to be stored for it to be applied.
    pub(super) fn expect(&mut self, holds: &Holds) {
        let partitions = self.batch.positions.iter().map(|place| (place.topic.clone(), place.partition));
        self.batch.expected = partitions
            .filter_map(|partition| {
                let place = holds.get(&partition)?.place();
                Some((partition, place))
            })
            .collect();
    }

    /// Halves it between its messages, so that each half is in order, the earlier one first. Of a few that were taken
    /// out, most will be refused: those are told apart one by one.
    pub(super) fn split(&mut self) -> Split {
        let count = self.batch.messages.len();
        let half = if self.is_apart() && (2..=FEW).contains(&count) { 1 } else { count / 2 };
        let Some(middle) = self.batch.messages.get(half) else { return Split::Nothing };
        let Some(at) = self.records.iter().position(|record| is_of(middle, record)) else {
            return Split::Nothing;
        };
        if count == 1 {
            let (record, event) = (self.records[at].clone(), middle.fact.event_id().clone());
            self.batch.messages.clear();
            return Split::One(Box::new(record), event);
        }
        let mut later =
            Self { records: self.records.split_off(at), batch: Batch::default(), floor: self.floor.clone() };
        later.batch.messages = self.batch.messages.split_off(half);
        later.place();
        self.place();
        Split::Before(later)
    }

    /// Takes out the messages about these events, to be applied before the rest. Positions stay where they are until
    /// the rest is applied; message ids see to it that a crash in between counts nothing twice. `None` where that would
    /// leave nothing here, or nothing there.
    pub(super) fn take_out(&mut self, events: &HashSet<EventId>) -> Option<Self> {
        if self.floor.is_some() {
            return None;
        }
        let is_meant = |message: &Message| events.contains(message.fact.event_id());
        let count = self.batch.messages.iter().filter(|message| is_meant(message)).count();
        if count == 0 || count == self.batch.messages.len() {
            return None;
        }
        let mut floor: Vec<Position> = Vec::new();
        for record in &self.records {
            if !floor.iter().any(|place| place.partition == record.partition && place.topic == record.topic) {
                // In the order of offsets, so the first is the lowest.
                floor.push(Position {
                    topic: record.topic.clone(),
                    partition: record.partition,
                    next_offset: record.offset,
                });
            }
        }
        let mut taken = Self { floor: Some(floor), ..Self::default() };
        (taken.batch.messages, self.batch.messages) =
            std::mem::take(&mut self.batch.messages).into_iter().partition(is_meant);
        let mut meant = taken.batch.messages.iter().peekable();
        // Both are in the same order.
        for record in &self.records {
            if meant.next_if(|message| is_of(message, record)).is_some() {
                taken.records.push(record.clone());
            }
        }
        taken.place();
        Some(taken)
    }

    /// Whether it was taken out of another one.
    pub(super) fn is_apart(&self) -> bool {
        self.floor.is_some()
    }

    /// Whether it has no message left and moves no position.
    pub(super) fn is_done(&self) -> bool {
        self.records.is_empty() || self.floor.is_some() && self.batch.messages.is_empty()
    }

    /// The positions after all records, dead-lettered ones included.
    fn place(&mut self) {
        if let Some(floor) = &self.floor {
            let is_here = |place: &&Position| {
                self.records
                    .iter()
                    .any(|record| record.partition == place.partition && record.topic == place.topic)
            };
            self.batch.positions = floor.iter().filter(is_here).cloned().collect();
            return;
        }
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

/// Takes hold of an item's partition, unless that is done or the partition was given up; whether it is held.
fn hold(holds: &mut Holds, item: &Item) -> bool {
    let partition = (item.record.topic.clone(), item.record.partition);
    // A partition that was given up and came back has items of both times here, those of the former first.
    if holds.get(&partition).is_some_and(|hold| hold.is_of(&item.lease)) {
        return true;
    }
    let Some(hold) = item.lease.hold() else { return false };
    holds.insert(partition, hold);
    true
}

fn is_of(message: &Message, record: &Record) -> bool {
    record.offset == message.offset && record.partition == message.partition && record.topic == message.topic
}

#[cfg(test)]
mod tests {
    use service::ingest::{Fact, ParticipantRegistered};

    use super::*;
    use crate::message::{Code, Decoded};

    fn item(lease: &Arc<Lease>, partition: i32, offset: i64, good: bool) -> Item {
        about("e", lease, partition, offset, good)
    }

    fn about(event: &str, lease: &Arc<Lease>, partition: i32, offset: i64, good: bool) -> Item {
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
                        event_id: EventId::parse(event).unwrap(),
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
        let Split::One(record, _) = portion.split() else { panic!() };
        assert_eq!(record.offset, 2);
        assert_eq!(positions(&portion), [(0, 4)]);
        assert!(offsets(&portion).is_empty());
        assert!(matches!(portion.split(), Split::Nothing));
    }

    #[test]
    fn what_is_taken_out_moves_no_position() {
        let lease = Arc::new(Lease::default());
        let (mut portion, ..) = Portion::new(vec![
            about("good", &lease, 0, 3, true),
            about("full", &lease, 0, 4, true),
            about("full", &lease, 1, 8, true),
            about("good", &lease, 1, 9, true),
            about("full", &lease, 0, 5, true),
        ]);
        let full = HashSet::from([EventId::parse("full").unwrap()]);
        let mut taken = portion.take_out(&full).unwrap();
        assert_eq!(offsets(&taken), [(0, 4), (1, 8), (0, 5)]);
        assert_eq!(positions(&taken), [(0, 3), (1, 8)]);
        assert_eq!((offsets(&portion), positions(&portion)), (vec![(0, 3), (1, 9)], vec![(0, 6), (1, 10)]));
        assert!(portion.take_out(&full).is_none() && taken.take_out(&full).is_none());

        let Split::Before(mut later) = taken.split() else { panic!() };
        assert_eq!((offsets(&taken), positions(&taken)), (vec![(0, 4)], vec![(0, 3)]));
        assert_eq!((offsets(&later), positions(&later)), (vec![(1, 8), (0, 5)], vec![(0, 3), (1, 8)]));
        let Split::One(record, _) = taken.split() else { panic!() };
        assert_eq!((record.offset, taken.is_done(), later.is_done()), (4, true, false));
        let Split::Before(last) = later.split() else { panic!() };
        assert_eq!((offsets(&last), positions(&last)), (vec![(0, 5)], vec![(0, 3)]));
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
