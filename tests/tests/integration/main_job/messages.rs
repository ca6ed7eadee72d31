//! Believable messages in an order that no producer would choose.

use chrono::{DateTime, Duration, FixedOffset, TimeZone as _, Utc};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::judge::Topic;

pub(super) const EVENTS: usize = 200;
pub(super) const CHANNELS_PER_EVENT: usize = 4;
pub(super) const PARTICIPANTS: usize = 100_000;
const USERS: usize = 20;

/// Described before anything else, so that somebody can watch them from the start.
pub(super) const WATCHED: [usize; 3] = [0, 7, 8];
/// The minutes of this one lie years before every partition that is made ahead, and on both sides of a month's end.
const LONG_AGO: usize = 7;
const ACROSS_MONTHS: usize = 8;
/// Participants and distributions come, a description never does.
const NEVER_DESCRIBED: usize = EVENTS;
/// Its cost is 0, so it has no ROI.
const FREE: usize = 11;

const SEED: u64 = 20_260_105;

const NAMES: [(&str, &str); 6] = [
    ("우리동네TV", "TV"),
    ("지니TV", "TV"),
    ("인스타그램", "SNS"),
    ("네이버블로그", "SNS"),
    ("카카오채널", "SNS"),
    ("링고비즈", "VOICE"),
];
const TITLES: [&str; 5] =
    ["새해 경품 이벤트", "봄맞이 쿠폰 주간", "매장 오픈 파티", "여름 할인 대잔치", "단골 감사 추첨"];

#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) topic: Topic,
    pub(super) key: String,
    pub(super) body: String,
}

struct Plan {
    id: String,
    user: String,
    starts: DateTime<Utc>,
    minutes: i64,
    weight: u32,
    channels: Vec<(&'static str, &'static str)>,
}

struct Generator<'a> {
    random: StdRng,
    id: &'a dyn Fn(&str, usize) -> String,
    lines: Vec<Line>,
}

/// All messages in the order to produce them; those up to the returned count describe the watched events.
pub(super) fn generate(id: &dyn Fn(&str, usize) -> String) -> (Vec<Line>, usize) {
    let mut generator = Generator { random: StdRng::seed_from_u64(SEED), id, lines: Vec::new() };
    let plans: Vec<Plan> = (0..=NEVER_DESCRIBED).map(|number| generator.plan(number)).collect();

    for number in WATCHED {
        generator.description(number, &plans[number], 0);
    }
    let first = generator.lines.len();
    for (number, plan) in plans.iter().enumerate().take(EVENTS) {
        if !WATCHED.contains(&number) {
            generator.description(number, plan, 0);
        }
        generator.later_descriptions(number, plan);
    }
    for (number, plan) in plans.iter().enumerate() {
        generator.distributions(number, plan);
    }
    let weighted: Vec<&Plan> = plans.iter().collect();
    for number in 0..PARTICIPANTS {
        let plan = *weighted.choose_weighted(&mut generator.random, |plan| plan.weight).unwrap();
        generator.participant(number, plan);
    }
    generator.shuffled(first)
}

impl Generator<'_> {
    fn plan(&mut self, number: usize) -> Plan {
        let random = &mut self.random;
        let new_year = Utc.with_ymd_and_hms(2026, 1, 5, 0, 0, 0).unwrap();
        let starts = match number {
            LONG_AGO => Utc.with_ymd_and_hms(2019, 3, 31, 21, 30, 0).unwrap(),
            ACROSS_MONTHS => Utc.with_ymd_and_hms(2026, 1, 31, 22, 10, 0).unwrap(),
            _ => new_year + Duration::minutes(random.random_range(0..60 * 24 * 40)),
        };
        let mut channels = NAMES.to_vec();
        channels.shuffle(random);
        channels.truncate(CHANNELS_PER_EVENT);
        Plan {
            id: (self.id)("evt", number),
            user: (self.id)("user", random.random_range(0..USERS)),
            starts,
            minutes: random.random_range(120..360),
            weight: if WATCHED.contains(&number) { 10 } else { random.random_range(1..20) },
            channels,
        }
    }

    /// The description of an event as it is after `changes` changes.
    fn description(&mut self, number: usize, plan: &Plan, changes: i64) {
        let occurred = plan.starts - Duration::hours(24 - changes * 3);
        let random = &mut self.random;
        let investment = if number == FREE { 0 } else { random.random_range(10_000_000..900_000_000) };
        let revenue = investment / 2 + random.random_range(70_000_000..700_000_000);
        let mut body = json!({
            "eventId": plan.id,
            "eventTitle": format!("{} {number} ({changes})", TITLES[number % TITLES.len()]),
            "userId": plan.user,
            "totalInvestment": money(random, investment, 2),
            "expectedRevenue": money(random, revenue, 2),
            "aFieldThatNobodyKnows": { "nested": [1, 2, 3] },
        });
        let fields = body.as_object_mut().unwrap();
        // Three decimals are more than the column has.
        if number == FREE || random.random_ratio(2, 3) {
            let thousandths = random.random_range(0..500_000);
            fields.insert("estimatedRoi".to_owned(), money(random, thousandths, 3));
        }
        if random.random_ratio(4, 5) {
            let thousandths = random.random_range(0..300_000);
            fields.insert("targetRoi".to_owned(), money(random, thousandths, 3));
        }
        if random.random_ratio(4, 5) {
            let thousandths = random.random_range(-40_000..60_000);
            fields.insert("salesGrowthRate".to_owned(), money(random, thousandths, 3));
        }
        let status = match (changes, number % 5) {
            (0, _) => None,
            (_, 0) => Some("ARCHIVED"),
            (_, 1 | 2) => Some("ENDED"),
            _ => Some("ACTIVE"),
        };
        fields.extend(status.map(|status| ("status".to_owned(), status.into())));
        self.push(Topic::EventCreated, &plan.id, occurred, body);
    }

    fn later_descriptions(&mut self, number: usize, plan: &Plan) {
        for change in 1..=self.random.random_range(0..3) {
            self.description(number, plan, change);
            // Another one of the same instant: then the greater message id is the newer.
            if number.is_multiple_of(4) {
                self.description(number, plan, change);
            }
        }
    }

    fn distributions(&mut self, number: usize, plan: &Plan) {
        // One channel of every tenth event is known from its participants only.
        let reported = if number.is_multiple_of(10) { CHANNELS_PER_EVENT - 1 } else { CHANNELS_PER_EVENT };
        let all: Vec<_> = plan.channels[..reported].to_vec();
        self.distribution(plan, &all, 0);
        for reading in 1..=self.random.random_range(0..3) {
            let some = self.random.random_range(1..=reported);
            let chosen: Vec<_> = all.choose_multiple(&mut self.random, some).copied().collect();
            self.distribution(plan, &chosen, reading);
        }
    }

    fn distribution(&mut self, plan: &Plan, channels: &[(&str, &str)], reading: i64) {
        let random = &mut self.random;
        let occurred =
            plan.starts + Duration::minutes(30 * reading) + Duration::seconds(random.random_range(0..60));
        let channels: Vec<Value> = channels
            .iter()
            .map(|(name, kind)| {
                // Counters of a later reading may be lower: a source that was reset.
                let scale = random.random_range(1..=3 + i32::try_from(reading).unwrap());
                let cost = random.random_range(0..80_000_000_i64);
                let mut channel = json!({ "channelName": name, "channelType": kind });
                let fields = channel.as_object_mut().unwrap();
                if random.random_ratio(9, 10) {
                    fields.insert("distributionCost".to_owned(), money(random, cost, 3));
                }
                for counter in counters(kind) {
                    if random.random_ratio(7, 8) {
                        fields.insert((*counter).to_owned(), (random.random_range(0..9_000) * scale).into());
                    }
                }
                if *kind == "VOICE" {
                    let calls = random.random_range(0..5_000) * scale;
                    fields.insert("totalCalls".to_owned(), calls.into());
                    fields.insert("completedCalls".to_owned(), random.random_range(0..=calls).into());
                    fields.insert("averageDuration".to_owned(), random.random_range(5..180).into());
                }
                channel
            })
            .collect();
        let body = json!({ "eventId": plan.id, "channels": channels });
        self.push(Topic::DistributionCompleted, &plan.id, occurred, body);
    }

    fn participant(&mut self, number: usize, plan: &Plan) {
        let random = &mut self.random;
        let occurred = plan.starts + Duration::milliseconds(random.random_range(0..plan.minutes * 60_000));
        let mut body = json!({ "eventId": plan.id, "participantId": (self.id)("p", number) });
        if random.random_ratio(19, 20) {
            let (name, kind) = *plan.channels.choose(random).unwrap();
            // Participants may be wrong about the type; the distribution knows it.
            let kind = if random.random_ratio(1, 50) { "SNS" } else { kind };
            body["channelName"] = name.into();
            body["channelType"] = kind.into();
        }
        self.push(Topic::ParticipantRegistered, &plan.id, occurred, body);
    }

    fn push(&mut self, topic: Topic, key: &str, occurred: DateTime<Utc>, body: Value) {
        let Value::Object(fields) = body else { unreachable!("bodies are objects") };
        let mut message = Map::new();
        // A participant without an id of its own is known by its place in the topic, and is never sent twice.
        if topic != Topic::ParticipantRegistered || self.random.random_ratio(99, 100) {
            message.insert("messageId".to_owned(), format!("{:032x}", self.random.random::<u128>()).into());
        }
        message.insert("occurredAt".to_owned(), instant(&mut self.random, occurred).into());
        message.extend(fields);
        self.lines.push(Line { topic, key: key.to_owned(), body: Value::Object(message).to_string() });
    }

    /// A tenth of the messages twice, and all but the first `first` in random order.
    fn shuffled(mut self, first: usize) -> (Vec<Line>, usize) {
        let repeatable: Vec<&Line> =
            self.lines.iter().filter(|line| line.body.contains("\"messageId\"")).collect();
        let repeated = self.lines.len() / 10;
        let again: Vec<Line> =
            repeatable.choose_multiple(&mut self.random, repeated).copied().cloned().collect();
        self.lines.extend(again);
        self.lines[first..].shuffle(&mut self.random);
        (self.lines, first)
    }
}

fn counters(kind: &str) -> &'static [&'static str] {
    match kind {
        "SNS" => &["impressions", "views", "clicks", "conversions", "likes", "comments", "shares"],
        "TV" => &["impressions", "views", "clicks", "conversions"],
        _ => &["views", "clicks", "conversions"],
    }
}

/// As a string or as a JSON number.
fn money(random: &mut StdRng, units: i64, scale: u32) -> Value {
    let text = Decimal::new(units, scale).to_string();
    if random.random_ratio(1, 4) { serde_json::from_str(&text).unwrap() } else { text.into() }
}

/// In UTC mostly; a fiftieth tells Korean time.
fn instant(random: &mut StdRng, instant: DateTime<Utc>) -> String {
    if random.random_ratio(1, 50) {
        let seoul = FixedOffset::east_opt(9 * 3600).unwrap();
        return instant.with_timezone(&seoul).to_rfc3339();
    }
    instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
