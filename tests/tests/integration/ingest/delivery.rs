//! Brings messages to the service the way consumers do: partition by partition, in batches, again and again.

use std::sync::Arc;

use consumer::message::{Kind, decode};
use rand::rngs::StdRng;
use rand::seq::{IndexedMutRandom as _, IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use service::ingest::{Applied, Batch, Message, Position};
use service::{ErrorKind, Service};

use super::history;
use crate::judge::Topic;
use crate::judge::reference::Said;

/// One partition, as it lies in Kafka.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) topic: Topic,
    name: Arc<str>,
    number: i32,
    records: Vec<Record>,
}

#[derive(Debug)]
struct Record {
    /// The body's stand-in for an id: what is sent beside it, or its place.
    id: String,
    body: String,
    message: Message,
}

/// Shuffles messages, some of them twice or thrice, into partitions without regard to their keys.
pub(super) fn publish(random: &mut StdRng, messages: &[history::Message]) -> Vec<Partition> {
    let mut partitions: Vec<Partition> = Vec::new();
    for topic in Topic::ALL {
        let name: Arc<str> = topic.name().into();
        let numbers = 0..random.random_range(1..=3);
        partitions.extend(numbers.map(|number| Partition {
            topic,
            name: Arc::clone(&name),
            number,
            records: Vec::new(),
        }));
    }
    let mut sent: Vec<&history::Message> = Vec::new();
    for message in messages {
        let times =
            if message.repeatable && random.random_ratio(1, 4) { random.random_range(2..=3) } else { 1 };
        sent.extend(std::iter::repeat_n(message, times));
    }
    sent.shuffle(random);
    for message in sent {
        let mut those: Vec<&mut Partition> =
            partitions.iter_mut().filter(|partition| partition.topic == message.topic).collect();
        let chosen = random.random_range(0..those.len());
        those[chosen].append(random, message);
    }
    partitions
}

impl Partition {
    fn append(&mut self, random: &mut StdRng, sent: &history::Message) {
        // Offsets have gaps where transactions leave their marks.
        let gap = if random.random_ratio(1, 6) { 2 } else { 1 };
        let offset = self.next_offset() + gap - 1;
        let place = format!("{}:{}:{offset}", self.name, self.number);
        let headers: Vec<(&str, &[u8])> = sent.header.iter().map(|id| ("messageId", id.as_bytes())).collect();
        let decoded = decode(kind(self.topic), Some(sent.body.as_bytes()), headers.as_slice()).unwrap();
        self.records.push(Record {
            id: sent.header.clone().unwrap_or(place),
            body: sent.body.clone(),
            message: Message {
                topic: Arc::clone(&self.name),
                partition: self.number,
                offset,
                message_id: decoded.message_id,
                fact: decoded.fact,
            },
        });
    }

    fn next_offset(&self) -> i64 {
        self.records.last().map_or(0, |record| record.message.offset + 1)
    }

    /// For the judge.
    pub(super) fn said(&self) -> impl Iterator<Item = Said<'_>> {
        self.records.iter().map(|record| Said { topic: self.topic, id: &record.id, body: &record.body })
    }
}

fn kind(topic: Topic) -> Kind {
    match topic {
        Topic::EventCreated => Kind::EventCreated,
        Topic::ParticipantRegistered => Kind::ParticipantRegistered,
        Topic::DistributionCompleted => Kind::DistributionCompleted,
    }
}

/// Has two services write at the same time until all is applied. Each partition has an owner; now and then the other
/// one, who once had it and doesn't know better, writes it too.
pub(super) async fn deliver(
    random: &mut StdRng,
    services: [&Arc<Service>; 2],
    cluster: &str,
    all: &Arc<Vec<Partition>>,
) {
    let mut tasks = Vec::new();
    let owners: Vec<usize> = all.iter().map(|_| random.random_range(0..2)).collect();
    for (writer, service) in services.into_iter().enumerate() {
        let mine = (0..all.len()).filter(|index| owners[*index] == writer || random.random_ratio(1, 4));
        let reader = Reader {
            service: Arc::clone(service),
            cluster: cluster.to_owned(),
            places: mine.map(|index| Place { index, next: 0 }).collect(),
            batch_max: random.random_range(1..=40),
            all: Arc::clone(all),
        };
        tasks.push(tokio::spawn(reader.read(StdRng::seed_from_u64(random.random()))));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

struct Reader {
    service: Arc<Service>,
    cluster: String,
    places: Vec<Place>,
    batch_max: usize,
    all: Arc<Vec<Partition>>,
}

/// How far a partition has been read.
struct Place {
    index: usize,
    next: usize,
}

impl Reader {
    async fn read(mut self, mut random: StdRng) {
        loop {
            if random.random_ratio(1, 10)
                && let Some(place) = self.places.choose_mut(&mut random)
            {
                place.next = random.random_range(0..=place.next);
            }
            let unread: Vec<usize> =
                (0..self.places.len()).filter(|place| self.left(&self.places[*place]) > 0).collect();
            if unread.is_empty() {
                return;
            }
            let some = random.random_range(1..=unread.len());
            let chosen: Vec<usize> = unread.choose_multiple(&mut random, some).copied().collect();
            let batch = self.batch(&mut random, &chosen);
            let applied = self.apply(&batch).await;
            assert_eq!(applied.fresh + applied.duplicates + applied.replayed, batch.messages.len());
            if random.random_ratio(1, 10) {
                let again = self.apply(&batch).await;
                assert_eq!(
                    (again.fresh, again.duplicates),
                    (0, 0),
                    "a batch that was applied was applied again"
                );
            }
        }
    }

    fn left(&self, place: &Place) -> usize {
        self.all[place.index].records.len() - place.next
    }

    /// The next records of these partitions, in one sequence.
    fn batch(&mut self, random: &mut StdRng, chosen: &[usize]) -> Batch {
        let mut batch = Batch::default();
        for place in chosen {
            let count = random.random_range(1..=self.batch_max).min(self.left(&self.places[*place]));
            let place = &mut self.places[*place];
            let partition = &self.all[place.index];
            let records = &partition.records[place.next..place.next + count];
            place.next += count;
            batch.messages.extend(records.iter().map(|record| record.message.clone()));
            batch.positions.push(Position {
                topic: Arc::clone(&partition.name),
                partition: partition.number,
                next_offset: records.last().unwrap().message.offset + 1,
            });
        }
        batch
    }

    /// Until it works, as a consumer does.
    async fn apply(&self, batch: &Batch) -> Applied {
        loop {
            match self.service.apply(&self.cluster, batch).await {
                Ok(applied) => return applied,
                Err(error) if error.kind() == ErrorKind::Transient => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}
