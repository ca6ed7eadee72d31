//! Messages as producers write them, keyed by event.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use consumer::message::Kind;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

const SEED: u64 = 20_260_105;
pub(crate) const EVENTS: usize = 2_000;
/// The skewed workload's: 80 % of the messages are about 1 % of the events.
const CROWDED_EVENTS: usize = EVENTS / 100;
const CROWD: u32 = 80;
/// The hours that the messages tell of.
const HOURS: i64 = 6;
const CHANNELS: [(&str, &str); 4] =
    [("우리동네TV", "TV"), ("인스타그램", "SNS"), ("네이버블로그", "SNS"), ("링고비즈", "VOICE")];

/// How the messages are spread over the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Uniform,
    Skewed,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Uniform => "uniform",
            Self::Skewed => "skewed",
        })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    pub(crate) partition: u16,
    pub(crate) key: String,
    pub(crate) body: Vec<u8>,
}

/// An event that has as many participants as its column holds: the database has to refuse another one.
pub(crate) const FULL_EVENT: &str = "full";

/// The same messages, of which one in a hundred can't be applied, for one of four reasons in turn.
pub(crate) fn poison(messages: &[Message]) -> Vec<Message> {
    let mut poisoned = messages.to_vec();
    for (number, message) in poisoned.iter_mut().skip(2 * EVENTS).step_by(100).enumerate() {
        let full = || json!({ "eventId": FULL_EVENT, "occurredAt": "2026-01-05T09:31:12Z" });
        message.body = match number % 4 {
            0 => b"{\"eventId\": ".to_vec(),
            1 => json!({ "eventId": "e".repeat(37) }).to_string().into_bytes(),
            2 => vec![0xff],
            _ => full().to_string().into_bytes(),
        };
    }
    poisoned
}

/// Every event is described and distributed in the course of the first messages; the rest are participants, in the
/// order in which they register.
pub(crate) fn generate(shape: Shape, count: usize, partitions: u16) -> Vec<Message> {
    let mut random = StdRng::seed_from_u64(SEED);
    let start = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_458);
    let step = TimeDelta::hours(HOURS) / i32::try_from(count).unwrap_or(i32::MAX);
    let mut at = start;
    (0..count)
        .map(|number| {
            at += step;
            let id = format!("{:032x}", random.random::<u128>());
            let (kind, event) = match number {
                number if number < EVENTS => (Kind::EventCreated, number),
                number if number < 2 * EVENTS => (Kind::DistributionCompleted, number - EVENTS),
                _ => (Kind::ParticipantRegistered, choose(&mut random, shape)),
            };
            let key = format!("evt-{event:05}");
            let said = match kind {
                Kind::EventCreated => json!({
                    "eventTitle": format!("새해 경품 이벤트 {event}"),
                    "userId": format!("user-{:03}", event % 100),
                    "totalInvestment": "1500000.00",
                    "expectedRevenue": "4200000.00",
                    "targetRoi": "150.00",
                }),
                Kind::DistributionCompleted => json!({ "channels": CHANNELS.map(|(name, kind)| json!({
                    "channelName": name,
                    "channelType": kind,
                    "distributionCost": "500000.00",
                    "impressions": 12_000,
                })) }),
                Kind::ParticipantRegistered => {
                    let (name, kind) = CHANNELS[random.random_range(0..CHANNELS.len())];
                    json!({ "participantId": format!("p-{number}"), "channelName": name, "channelType": kind })
                }
            };
            let mut body = json!({ "messageId": id, "occurredAt": at.to_rfc3339(), "eventId": key });
            if let (Some(body), Some(said)) = (body.as_object_mut(), said.as_object()) {
                body.extend(said.clone());
            }
            let partition = u16::try_from(event % usize::from(partitions)).unwrap_or_default();
            Message { kind, partition, key, body: body.to_string().into_bytes() }
        })
        .collect()
}

fn choose(random: &mut StdRng, shape: Shape) -> usize {
    match shape {
        Shape::Skewed if random.random_ratio(CROWD, 100) => random.random_range(0..CROWDED_EVENTS),
        Shape::Skewed => random.random_range(CROWDED_EVENTS..EVENTS),
        Shape::Uniform => random.random_range(0..EVENTS),
    }
}
