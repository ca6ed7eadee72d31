//! Small random histories that hold every case in which order could matter.

use chrono::{DateTime, Duration, FixedOffset, SecondsFormat, TimeZone as _, Utc};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::judge::Topic;

/// The month that the service's clock stands in; histories reach years back and ahead of it.
pub(super) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 10, 9, 0, 0).unwrap()
}

const CHANNELS: [&str; 3] = ["우리동네TV", "인스타그램", "링고비즈"];
const TYPES: [&str; 3] = ["TV", "SNS", "VOICE"];
const USERS: [&str; 3] = ["user-1", "user-2", "사용자-3"];

/// Something said once, perhaps sent several times.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) topic: Topic,
    /// Where the id is sent beside the body.
    pub(super) header: Option<String>,
    pub(super) body: String,
    /// Whether another message may repeat it: it has an id.
    pub(super) repeatable: bool,
}

pub(super) struct Generator<'a> {
    random: &'a mut StdRng,
    events: Vec<String>,
    /// Instants that are told more than once, so that ids have to decide.
    instants: Vec<DateTime<Utc>>,
}

impl<'a> Generator<'a> {
    pub(super) fn new(random: &'a mut StdRng) -> Self {
        let events = (0..random.random_range(1..=4)).map(|number| format!("evt-{number}")).collect();
        let instants = (0..6).map(|_| instant(random)).collect();
        Self { random, events, instants }
    }

    pub(super) fn messages(&mut self, count: usize) -> Vec<Message> {
        (0..count).map(|_| self.message()).collect()
    }

    fn message(&mut self) -> Message {
        let (topic, mut body) = match self.random.random_range(0..10) {
            0 | 1 => (Topic::EventCreated, self.description()),
            2 | 3 => (Topic::DistributionCompleted, self.distribution()),
            _ => (Topic::ParticipantRegistered, self.participant()),
        };
        body.insert("eventId".to_owned(), self.events.choose(self.random).unwrap().as_str().into());
        body.insert("occurredAt".to_owned(), self.occurred().into());
        let id = format!("{:032x}", self.random.random::<u128>());
        let mut header = None;
        let mut repeatable = true;
        match self.random.random_range(0..10) {
            0 => repeatable = false,
            1 => header = Some(id),
            _ => drop(body.insert("messageId".to_owned(), id.into())),
        }
        Message { topic, header, body: Value::Object(body).to_string(), repeatable }
    }

    fn occurred(&mut self) -> String {
        let at = if self.random.random_ratio(1, 3) {
            *self.instants.choose(self.random).unwrap()
        } else {
            instant(self.random)
        };
        if self.random.random_ratio(1, 8) {
            return at.with_timezone(&FixedOffset::east_opt(9 * 3600).unwrap()).to_rfc3339();
        }
        at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    fn description(&mut self) -> Map<String, Value> {
        let investment =
            if self.random.random_ratio(1, 5) { 0 } else { self.random.random_range(100_000..9_000_000) };
        let revenue = self.random.random_range(-50_000..20_000_000);
        let mut body = object(json!({
            "eventTitle": format!("새해 경품 {}", self.random.random_range(0..1000)),
            "userId": USERS.choose(self.random).unwrap(),
            "totalInvestment": money(self.random, investment),
            "expectedRevenue": money(self.random, revenue),
        }));
        for (field, lowest) in [("targetRoi", 0), ("estimatedRoi", 0), ("salesGrowthRate", -90_000)] {
            if self.random.random() {
                let thousandths = self.random.random_range(lowest..900_000);
                body.insert(field.to_owned(), money(self.random, thousandths));
            }
        }
        if self.random.random() {
            body.insert(
                "status".to_owned(),
                (*["ACTIVE", "ENDED", "ARCHIVED"].choose(self.random).unwrap()).into(),
            );
        }
        body
    }

    fn participant(&mut self) -> Map<String, Value> {
        let mut body = object(json!({ "participantId": "p" }));
        if self.random.random_ratio(4, 5) {
            body.insert("channelName".to_owned(), (*CHANNELS.choose(self.random).unwrap()).into());
            body.insert("channelType".to_owned(), (*TYPES.choose(self.random).unwrap()).into());
        }
        body
    }

    fn distribution(&mut self) -> Map<String, Value> {
        // A channel may be named twice.
        let channels: Vec<Value> = (0..self.random.random_range(0..=3)).map(|_| self.reading()).collect();
        object(json!({ "channels": channels }))
    }

    fn reading(&mut self) -> Value {
        let mut reading = object(json!({
            "channelName": CHANNELS.choose(self.random).unwrap(),
            "channelType": TYPES.choose(self.random).unwrap(),
        }));
        for counter in ["impressions", "views", "clicks", "conversions", "likes", "comments", "shares"] {
            if self.random.random_ratio(2, 3) {
                reading.insert(counter.to_owned(), self.random.random_range(0..5_000).into());
            }
        }
        if self.random.random() {
            let calls = self.random.random_range(0..500);
            reading.insert("totalCalls".to_owned(), calls.into());
            reading.insert("completedCalls".to_owned(), self.random.random_range(0..=calls).into());
            reading.insert("averageDuration".to_owned(), self.random.random_range(0..90).into());
        }
        if self.random.random_ratio(4, 5) {
            let cost = self.random.random_range(0..90_000_000);
            reading.insert("distributionCost".to_owned(), money(self.random, cost));
        }
        reading.into()
    }
}

/// Around borders of minutes, months and partitions, to the microsecond and beyond.
fn instant(random: &mut StdRng) -> DateTime<Utc> {
    let bases = [
        Utc.with_ymd_and_hms(2026, 1, 31, 23, 58, 0),
        Utc.with_ymd_and_hms(2026, 2, 28, 23, 59, 0),
        Utc.with_ymd_and_hms(2026, 3, 10, 9, 0, 0),
        // Months that get no partition of their own.
        Utc.with_ymd_and_hms(2019, 3, 31, 23, 58, 0),
        Utc.with_ymd_and_hms(2031, 6, 30, 23, 58, 0),
        // Years that a count of nanoseconds does not reach.
        Utc.with_ymd_and_hms(1, 1, 1, 0, 0, 0),
        Utc.with_ymd_and_hms(9999, 12, 30, 23, 55, 0),
    ];
    let base = bases.choose(random).unwrap().unwrap();
    let offset = Duration::seconds(random.random_range(0..240));
    let fraction = match random.random_range(0..3) {
        0 => 0,
        1 => random.random_range(0..1_000_000) * 1_000,
        _ => random.random_range(0..1_000_000_000),
    };
    base + offset + Duration::nanoseconds(fraction)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other} is no object"),
    }
}

/// Thousandths, as a string or as a JSON number.
fn money(random: &mut StdRng, thousandths: i64) -> Value {
    let text = Decimal::new(thousandths, 3).to_string();
    if random.random() { serde_json::from_str(&text).unwrap() } else { text.into() }
}
