//! What is said under torture: good messages, a tenth of them twice, and poison.

use chrono::{DateTime, Duration, SecondsFormat, TimeZone as _, Utc};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::judge::Topic;

const EVENTS: usize = 300;
const CHANNELS: [(&str, &str); 4] =
    [("우리동네TV", "TV"), ("인스타그램", "SNS"), ("카카오채널", "SNS"), ("링고비즈", "VOICE")];

/// One record to send.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) topic: Topic,
    pub(crate) key: String,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// What is wrong with it, as the dead letter has to say; none for a good one.
    pub(crate) poison: Option<&'static str>,
}

/// So many records, shuffled: of a hundred ten repeat another and one is poison.
pub(crate) fn generate(seed: u64, count: usize) -> Vec<Message> {
    let mut random = StdRng::seed_from_u64(seed);
    let (poisoned, repeated) = (count / 100, count / 10);
    let mut messages: Vec<Message> = (0..count - poisoned - repeated).map(|_| good(&mut random)).collect();
    let again: Vec<Message> = messages.choose_multiple(&mut random, repeated).cloned().collect();
    messages.extend(again);
    messages.extend((0..poisoned).map(|_| poison(&mut random)));
    messages.shuffle(&mut random);
    messages
}

fn event(random: &mut StdRng) -> String {
    // A few are crowded.
    let number = if random.random_ratio(1, 2) {
        random.random_range(0..EVENTS / 50)
    } else {
        random.random_range(0..EVENTS)
    };
    format!("evt-{number:04}")
}

/// Around the end of a month, to the millisecond.
fn instant(random: &mut StdRng) -> String {
    let start: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 1, 31, 20, 0, 0).unwrap();
    let at = start + Duration::milliseconds(random.random_range(0..8 * 3_600_000));
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn good(random: &mut StdRng) -> Message {
    let key = event(random);
    let (topic, mut body) = match random.random_range(0..100) {
        0..3 => (Topic::EventCreated, description(random)),
        3..8 => (Topic::DistributionCompleted, distribution(random)),
        _ => (Topic::ParticipantRegistered, participant(random)),
    };
    body["messageId"] = format!("{:032x}", random.random::<u128>()).into();
    body["eventId"] = key.as_str().into();
    body["occurredAt"] = instant(random).into();
    Message { topic, key, body: Some(body.to_string().into_bytes()), headers: Vec::new(), poison: None }
}

fn description(random: &mut StdRng) -> Value {
    json!({
        "eventTitle": format!("단골 감사 추첨 {}", random.random_range(0..1_000)),
        "userId": format!("user-{}", random.random_range(0..20)),
        "totalInvestment": random.random_range(1_000_000..9_000_000),
        "expectedRevenue": random.random_range(0..20_000_000),
        "targetRoi": "150.00",
        "status": *["ACTIVE", "ENDED", "ARCHIVED"].choose(random).unwrap(),
    })
}

fn distribution(random: &mut StdRng) -> Value {
    let some = random.random_range(1..=CHANNELS.len());
    let chosen: Vec<(&str, &str)> = CHANNELS.choose_multiple(random, some).copied().collect();
    let channels = chosen.into_iter().map(|(name, kind)| {
        json!({
            "channelName": name,
            "channelType": kind,
            "distributionCost": random.random_range(0..900_000),
            "impressions": random.random_range(0..90_000),
            "views": random.random_range(0..40_000),
            "clicks": random.random_range(0..9_000),
            "conversions": random.random_range(0..900),
        })
    });
    json!({ "channels": channels.collect::<Vec<Value>>() })
}

fn participant(random: &mut StdRng) -> Value {
    let mut body = json!({ "participantId": format!("p-{}", random.random::<u32>()) });
    if random.random_ratio(9, 10) {
        let (name, kind) = *CHANNELS.choose(random).unwrap();
        body["channelName"] = name.into();
        body["channelType"] = kind.into();
    }
    body
}

/// A good message with one thing wrong.
fn poison(random: &mut StdRng) -> Message {
    let mut message = good(random);
    let mut body: Value = serde_json::from_slice(message.body.as_deref().unwrap_or_default()).unwrap();
    let (bytes, code) = match random.random_range(0..8) {
        0 => (None, "EMPTY_PAYLOAD"),
        1 => (Some(br#"{"eventId": "#.to_vec()), "INVALID_JSON"),
        2 => (Some(vec![b'{', 0xff, 0xfe, b'}']), "INVALID_UTF8"),
        3 => (Some(b"[\"no\",\n\"object\"]".to_vec()), "WRONG_TYPE"),
        4 => {
            body.as_object_mut().unwrap().remove("occurredAt");
            (Some(body.to_string().into_bytes()), "MISSING_FIELD")
        }
        5 => {
            body["eventId"] = "e".repeat(37).into();
            (Some(body.to_string().into_bytes()), "TOO_LONG")
        }
        6 => {
            body["eventId"] = "evt\0".into();
            (Some(body.to_string().into_bytes()), "NUL_CHARACTER")
        }
        _ => {
            body["occurredAt"] = "yesterday".into();
            (Some(body.to_string().into_bytes()), "INVALID_TIMESTAMP")
        }
    };
    message.body = bytes;
    message.headers =
        vec![("trace", format!("{:08x}", random.random::<u32>())), ("trace", "twice".to_owned())];
    message.poison = Some(code);
    message
}
