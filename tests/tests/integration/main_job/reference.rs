//! What the tables must hold, recomputed in plain code from the file that was produced.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr as _;

use chrono::{DateTime, NaiveDateTime, Timelike as _, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Event {
    pub(super) title: String,
    pub(super) user: String,
    pub(super) participants: i32,
    pub(super) views: i32,
    pub(super) estimated_roi: Decimal,
    pub(super) target_roi: Decimal,
    pub(super) sales_growth_rate: Decimal,
    pub(super) investment: Decimal,
    pub(super) revenue: Decimal,
    pub(super) status: String,
    /// None while nothing describes the event.
    pub(super) created_at: Option<NaiveDateTime>,
    pub(super) updated_at: NaiveDateTime,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Channel {
    pub(super) kind: String,
    pub(super) impressions: i32,
    pub(super) views: i32,
    pub(super) clicks: i32,
    pub(super) participants: i32,
    pub(super) conversions: i32,
    pub(super) cost: Decimal,
    pub(super) likes: i32,
    pub(super) comments: i32,
    pub(super) shares: i32,
    pub(super) total_calls: i32,
    pub(super) completed_calls: i32,
    pub(super) average_duration: i32,
    pub(super) updated_at: NaiveDateTime,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bucket {
    pub(super) participants: i32,
    pub(super) views: i32,
    pub(super) engagement: i32,
    pub(super) conversions: i32,
    pub(super) cumulative_participants: i32,
    pub(super) updated_at: NaiveDateTime,
}

/// The three tables, by their natural keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tables {
    pub(super) events: BTreeMap<String, Event>,
    pub(super) channels: BTreeMap<(String, String), Channel>,
    pub(super) buckets: BTreeMap<(String, NaiveDateTime), Bucket>,
}

/// When a message says that something happened, and what decides between two of the same instant.
type Newest = (NaiveDateTime, String);

/// Reads the file, `topic<TAB>key<TAB>body` a line.
pub(super) fn recompute(file: &str) -> Tables {
    let mut tables = Tables::default();
    let mut seen = HashSet::new();
    let mut described: BTreeMap<String, Newest> = BTreeMap::new();
    let mut distributed: BTreeMap<(String, String), Newest> = BTreeMap::new();
    let mut registered: BTreeMap<(String, String), Newest> = BTreeMap::new();

    for line in file.lines() {
        let mut parts = line.splitn(3, '\t');
        let (topic, _, body) = (parts.next().unwrap(), parts.next(), parts.next().unwrap());
        let message: Value = serde_json::from_str(body).unwrap();
        let id = message["messageId"].as_str().unwrap_or_default().to_owned();
        if !id.is_empty() && !seen.insert(id.clone()) {
            continue;
        }
        let at = DateTime::parse_from_rfc3339(text(&message["occurredAt"]))
            .unwrap()
            .with_timezone(&Utc)
            .naive_utc();
        let event_id = text(&message["eventId"]).to_owned();
        let newest = (at, id);

        let event = tables
            .events
            .entry(event_id.clone())
            .or_insert_with(|| Event { status: "ACTIVE".to_owned(), ..Event::default() });
        event.updated_at = event.updated_at.max(at);
        match topic {
            "event.created" => {
                event.created_at = Some(event.created_at.map_or(at, |earliest| earliest.min(at)));
                if described.get(&event_id).is_none_or(|known| *known < newest) {
                    described.insert(event_id, newest);
                    describe(event, &message);
                }
            }
            "participant.registered" => {
                event.participants += 1;
                let minute = at.with_second(0).unwrap().with_nanosecond(0).unwrap();
                let bucket = tables.buckets.entry((event_id.clone(), minute)).or_default();
                bucket.participants += 1;
                bucket.updated_at = bucket.updated_at.max(at);
                if let Some(name) = message["channelName"].as_str() {
                    let key = (event_id, name.to_owned());
                    let channel = tables.channels.entry(key.clone()).or_default();
                    channel.participants += 1;
                    channel.updated_at = channel.updated_at.max(at);
                    let newer = registered.get(&key).is_none_or(|known| *known < newest);
                    if newer {
                        registered.insert(key.clone(), newest);
                    }
                    if newer && !distributed.contains_key(&key) {
                        text(&message["channelType"]).clone_into(&mut channel.kind);
                    }
                }
            }
            "distribution.completed" => {
                for reading in message["channels"].as_array().unwrap() {
                    let key = (event_id.clone(), text(&reading["channelName"]).to_owned());
                    let channel = tables.channels.entry(key.clone()).or_default();
                    raise(channel, reading);
                    channel.updated_at = channel.updated_at.max(at);
                    if distributed.get(&key).is_none_or(|known| *known < newest) {
                        distributed.insert(key, newest.clone());
                        text(&reading["channelType"]).clone_into(&mut channel.kind);
                        channel.cost = decimal(&reading["distributionCost"]);
                        channel.average_duration = count(&reading["averageDuration"]);
                    }
                }
            }
            other => panic!("no topic {other}"),
        }
    }
    derive(&mut tables);
    tables
}

fn describe(event: &mut Event, message: &Value) {
    text(&message["eventTitle"]).clone_into(&mut event.title);
    text(&message["userId"]).clone_into(&mut event.user);
    message["status"].as_str().unwrap_or("ACTIVE").clone_into(&mut event.status);
    event.investment = decimal(&message["totalInvestment"]);
    event.revenue = decimal(&message["expectedRevenue"]);
    event.target_roi = decimal(&message["targetRoi"]);
    event.sales_growth_rate = decimal(&message["salesGrowthRate"]);
    event.estimated_roi = if message["estimatedRoi"].is_null() {
        let roi = (event.revenue - event.investment) / event.investment * Decimal::ONE_HUNDRED;
        round(roi.max(Decimal::ZERO))
    } else {
        decimal(&message["estimatedRoi"])
    };
}

fn raise(channel: &mut Channel, reading: &Value) {
    let counters = [
        ("impressions", &mut channel.impressions),
        ("views", &mut channel.views),
        ("clicks", &mut channel.clicks),
        ("conversions", &mut channel.conversions),
        ("likes", &mut channel.likes),
        ("comments", &mut channel.comments),
        ("shares", &mut channel.shares),
        ("totalCalls", &mut channel.total_calls),
        ("completedCalls", &mut channel.completed_calls),
    ];
    for (name, counter) in counters {
        *counter = (*counter).max(count(&reading[name]));
    }
}

/// The columns that follow from other rows.
fn derive(tables: &mut Tables) {
    for ((event_id, _), channel) in &tables.channels {
        tables.events.get_mut(event_id).unwrap().views += channel.views;
    }
    let mut cumulative: BTreeMap<&str, i32> = BTreeMap::new();
    for ((event_id, _), bucket) in &mut tables.buckets {
        let so_far = cumulative.entry(event_id).or_default();
        *so_far += bucket.participants;
        bucket.cumulative_participants = *so_far;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// 0 where it is absent.
fn count(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap_or_default()).unwrap()
}

/// 0 where it is absent. The shortest text of a JSON number is the one that was written.
fn decimal(value: &Value) -> Decimal {
    match value {
        Value::Null => Decimal::ZERO,
        Value::String(text) => round(Decimal::from_str(text).unwrap()),
        number => round(Decimal::from_str(&number.to_string()).unwrap()),
    }
}

/// To two decimals, half to even.
pub(super) fn round(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven)
}
