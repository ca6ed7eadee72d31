//! What the tables must hold, recomputed in plain code from what was said.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr as _;

use chrono::{DateTime, NaiveDateTime, Timelike as _};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::Topic;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) title: String,
    pub(crate) user: String,
    pub(crate) participants: i32,
    pub(crate) views: i32,
    pub(crate) estimated_roi: Decimal,
    pub(crate) target_roi: Decimal,
    pub(crate) sales_growth_rate: Decimal,
    pub(crate) investment: Decimal,
    pub(crate) revenue: Decimal,
    pub(crate) status: String,
    /// Whether a description has come.
    pub(crate) described: bool,
    /// The earliest of its descriptions; while it has none, of all that is known of it.
    pub(crate) created_at: NaiveDateTime,
    pub(crate) updated_at: NaiveDateTime,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Channel {
    pub(crate) kind: String,
    pub(crate) impressions: i32,
    pub(crate) views: i32,
    pub(crate) clicks: i32,
    pub(crate) participants: i32,
    pub(crate) conversions: i32,
    pub(crate) cost: Decimal,
    pub(crate) likes: i32,
    pub(crate) comments: i32,
    pub(crate) shares: i32,
    pub(crate) total_calls: i32,
    pub(crate) completed_calls: i32,
    pub(crate) average_duration: i32,
    /// The earliest message that touched it.
    pub(crate) created_at: NaiveDateTime,
    pub(crate) updated_at: NaiveDateTime,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) participants: i32,
    pub(crate) views: i32,
    pub(crate) engagement: i32,
    pub(crate) conversions: i32,
    pub(crate) cumulative_participants: i32,
    /// The earliest message that touched it.
    pub(crate) created_at: NaiveDateTime,
    pub(crate) updated_at: NaiveDateTime,
}

/// The three tables, by their natural keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tables {
    pub(crate) events: BTreeMap<String, Event>,
    pub(crate) channels: BTreeMap<(String, String), Channel>,
    pub(crate) buckets: BTreeMap<(String, NaiveDateTime), Bucket>,
}

/// A message as it lies in a topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) topic: Topic,
    /// What identifies it where its body doesn't; empty where it certainly comes once.
    pub(crate) id: &'a str,
    pub(crate) body: &'a str,
}

/// When a message says that something happened, and what decides between two of the same instant.
type Newest = (NaiveDateTime, String);

/// A channel of an event.
type Key = (String, String);

#[derive(Default)]
struct Fold {
    tables: Tables,
    seen: HashSet<String>,
    described: BTreeMap<String, Newest>,
    distributed: BTreeMap<Key, Newest>,
    registered: BTreeMap<Key, Newest>,
}

/// Folds messages, in whatever order, into the tables.
pub(crate) fn recompute<'a>(said: impl IntoIterator<Item = Said<'a>>) -> Tables {
    let mut fold = Fold::default();
    for said in said {
        fold.add(said);
    }
    let mut tables = fold.tables;
    derive(&mut tables);
    tables
}

impl Fold {
    fn add(&mut self, said: Said<'_>) {
        let message: Value = serde_json::from_str(said.body).unwrap();
        let id = message["messageId"].as_str().filter(|id| !id.is_empty()).unwrap_or(said.id).to_owned();
        if !id.is_empty() && !self.seen.insert(id.clone()) {
            return;
        }
        // The columns hold microseconds.
        let at = DateTime::parse_from_rfc3339(text(&message["occurredAt"])).unwrap().timestamp_micros();
        let at = DateTime::from_timestamp_micros(at).unwrap().naive_utc();
        let event_id = text(&message["eventId"]).to_owned();
        let event = self.tables.events.entry(event_id.clone()).or_insert_with(|| Event {
            status: "ACTIVE".to_owned(),
            created_at: at,
            updated_at: at,
            ..Event::default()
        });
        event.updated_at = event.updated_at.max(at);
        if !event.described {
            event.created_at = event.created_at.min(at);
        }
        match said.topic {
            Topic::EventCreated => {
                event.created_at = if event.described { event.created_at.min(at) } else { at };
                event.described = true;
                let newest = (at, id);
                if self.described.get(&event_id).is_none_or(|known| *known < newest) {
                    describe(event, &message);
                    self.described.insert(event_id, newest);
                }
            }
            Topic::ParticipantRegistered => {
                event.participants += 1;
                self.participant(event_id, (at, id), &message);
            }
            Topic::DistributionCompleted => self.distribution(&event_id, &(at, id), &message),
        }
    }

    fn participant(&mut self, event_id: String, newest: Newest, message: &Value) {
        let at = newest.0;
        let minute = at.with_second(0).unwrap().with_nanosecond(0).unwrap();
        let bucket = self.tables.buckets.entry((event_id.clone(), minute)).or_insert_with(|| Bucket {
            created_at: at,
            updated_at: at,
            ..Bucket::default()
        });
        bucket.participants += 1;
        bucket.created_at = bucket.created_at.min(at);
        bucket.updated_at = bucket.updated_at.max(at);
        if let Some(name) = message["channelName"].as_str() {
            let key = (event_id, name.to_owned());
            let channel = touched(&mut self.tables, &key, at);
            channel.participants += 1;
            if self.registered.get(&key).is_none_or(|known| *known < newest) {
                if !self.distributed.contains_key(&key) {
                    text(&message["channelType"]).clone_into(&mut channel.kind);
                }
                self.registered.insert(key, newest);
            }
        }
    }

    fn distribution(&mut self, event_id: &str, newest: &Newest, message: &Value) {
        for reading in message["channels"].as_array().unwrap() {
            let key = (event_id.to_owned(), text(&reading["channelName"]).to_owned());
            let channel = touched(&mut self.tables, &key, newest.0);
            raise(channel, reading);
            // Equal to itself where one message names a channel twice: then the last entry counts.
            if self.distributed.get(&key).is_none_or(|known| known <= newest) {
                text(&reading["channelType"]).clone_into(&mut channel.kind);
                channel.cost = decimal(&reading["distributionCost"]);
                channel.average_duration = count(&reading["averageDuration"]);
                self.distributed.insert(key, newest.clone());
            }
        }
    }
}

fn touched<'a>(tables: &'a mut Tables, key: &Key, at: NaiveDateTime) -> &'a mut Channel {
    let channel = tables.channels.entry(key.clone()).or_insert_with(|| Channel {
        created_at: at,
        updated_at: at,
        ..Channel::default()
    });
    channel.created_at = channel.created_at.min(at);
    channel.updated_at = channel.updated_at.max(at);
    channel
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
        let profit = event.revenue - event.investment;
        let roi = profit.checked_div(event.investment).map(|part| part * Decimal::ONE_HUNDRED);
        // What costs nothing has no ROI.
        round(roi.unwrap_or_default().max(Decimal::ZERO))
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
pub(crate) fn round(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven)
}
