//! Asks the gateway about everything and compares each answer with the recomputation.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use chrono::{DateTime, NaiveDateTime};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tests::clients::graphql::GraphQl;

use super::formulas::{self, Metrics};
use super::timeline::{self, VIEWS};
use crate::judge::reference::{Channel, Event, Tables};

const EVENT: &str = include_str!("event.graphql");
const TIMELINE: &str = "query ($event: ID!, $granularity: Granularity!, $zone: TimeZone!) {
  event(eventId: $event) {
    timeline(granularity: $granularity, timeZone: $zone) {
      granularity timeZone from to
      totals { participants views engagement conversions }
      points { start end participants views engagement conversions cumulativeParticipants isPartial }
    }
  }
}";
const EVENTS: &str = "query ($after: String) {
  events(orderBy: { field: CREATED_AT, direction: DESC }, first: 37, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes { eventId createdAt }
  }
}";
const USER: &str = "query ($user: ID!) {
  user(userId: $user) {
    userId eventCount activeEventCount totalParticipants totalViews totalInvestment expectedRevenue roi
    events(first: 100) { totalCount nodes { eventId } }
  }
}";

/// Every answer about the described events.
pub(super) async fn check(gateway: &GraphQl, expected: &Tables) {
    for (event_id, event) in &expected.events {
        let answer = gateway.data(EVENT, json!({ "event": event_id })).await.unwrap();
        if !event.described {
            assert_eq!(answer["event"], Value::Null, "{event_id} was never described");
            continue;
        }
        check_event(&answer["event"], event_id, event, &channels_of(expected, event_id));
        check_timelines(gateway, event_id, expected).await;
    }
    check_connection(gateway, expected).await;
    check_users(gateway, expected).await;
}

fn check_event(answer: &Value, event_id: &str, event: &Event, channels: &BTreeMap<&str, &Channel>) {
    let facts = json!({
        "eventId": event_id,
        "title": event.title,
        "userId": event.user,
        "status": event.status,
        "totalParticipants": event.participants,
        "totalViews": event.views,
    });
    for (field, expected) in facts.as_object().unwrap() {
        assert_eq!(&answer[field], expected, "{field} of {event_id}");
    }
    assert_eq!(decimal(&answer["salesGrowthRate"]), Some(event.sales_growth_rate), "{event_id}");
    assert_eq!(instant(&answer["createdAt"]), event.created_at, "createdAt of {event_id}");
    assert_eq!(instant(&answer["updatedAt"]), event.updated_at, "updatedAt of {event_id}");

    let all: Vec<&Channel> = channels.values().copied().collect();
    check_metrics(&answer["roi"], &formulas::roi(event, &all), &format!("roi of {event_id}"));

    let answered = answer["channels"].as_array().unwrap();
    let participants: Vec<i64> =
        answered.iter().map(|channel| channel["participants"].as_i64().unwrap()).collect();
    assert!(
        participants.is_sorted_by(|left, right| left >= right),
        "channels of {event_id}: most participants first"
    );
    assert_eq!(answered.len(), channels.len(), "channels of {event_id}");
    for answer in answered {
        let name = answer["channelName"].as_str().unwrap();
        check_channel(answer, channels[name], event, &format!("{name} of {event_id}"));
    }

    let steps: Vec<formulas::Step> = answer["funnel"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            (step["count"].as_i64().unwrap(), decimal(&step["fromPrevious"]), decimal(&step["fromFirst"]))
        })
        .collect();
    assert_eq!(steps, formulas::funnel(&all), "funnel of {event_id}");
}

fn check_channel(answer: &Value, channel: &Channel, event: &Event, which: &str) {
    let facts = json!({
        "channelType": channel.kind,
        "impressions": channel.impressions,
        "views": channel.views,
        "clicks": channel.clicks,
        "participants": channel.participants,
        "conversions": channel.conversions,
        "likes": channel.likes,
        "comments": channel.comments,
        "shares": channel.shares,
        "totalCalls": channel.total_calls,
        "completedCalls": channel.completed_calls,
        "averageDuration": channel.average_duration,
    });
    for (field, expected) in facts.as_object().unwrap() {
        assert_eq!(&answer[field], expected, "{field} of {which}");
    }
    assert_eq!(instant(&answer["updatedAt"]), channel.updated_at, "updatedAt of {which}");
    check_metrics(answer, &formulas::channel(channel, event), which);
}

fn check_metrics(answer: &Value, metrics: &Metrics, which: &str) {
    for (name, expected) in metrics {
        assert_eq!(decimal(&answer[name]), *expected, "{name} of {which}: {answer}");
    }
}

async fn check_timelines(gateway: &GraphQl, event_id: &str, expected: &Tables) {
    let buckets: BTreeMap<_, _> = expected
        .buckets
        .iter()
        .filter(|((event, _), _)| event == event_id)
        .map(|((_, minute), bucket)| (*minute, bucket))
        .collect();
    for (granularity, zone, offset) in VIEWS {
        let which = format!("{granularity} {zone} of {event_id}");
        let variables = json!({ "event": event_id, "granularity": granularity, "zone": zone });
        let mut answer = gateway.data(TIMELINE, variables).await.unwrap();
        let answer = answer["event"]["timeline"].take();
        let expected = timeline::points(&buckets, granularity, offset);
        let points: Vec<timeline::Point> = answer["points"].as_array().unwrap().iter().map(point).collect();
        assert_eq!(points, expected, "{which}");
        assert_eq!(answer["granularity"], granularity);
        assert_eq!(answer["timeZone"], zone);
        assert_eq!(Some(instant(&answer["from"])), expected.first().map(|point| point.start), "{which}");
        assert_eq!(Some(instant(&answer["to"])), expected.last().map(|point| point.end), "{which}");
        let participants: i32 = expected.iter().map(|point| point.participants).sum();
        let totals = json!({ "participants": participants, "views": 0, "engagement": 0, "conversions": 0 });
        assert_eq!(answer["totals"], totals, "{which}");
    }
}

fn point(answer: &Value) -> timeline::Point {
    let zeros = ["views", "engagement", "conversions"].map(|field| answer[field].as_i64());
    assert_eq!(zeros, [Some(0); 3], "only external readings move these: {answer}");
    assert_eq!(answer["isPartial"], false, "all of this is long over: {answer}");
    timeline::Point {
        start: instant(&answer["start"]),
        end: instant(&answer["end"]),
        participants: number(&answer["participants"]),
        cumulative_participants: number(&answer["cumulativeParticipants"]),
    }
}

async fn check_connection(gateway: &GraphQl, expected: &Tables) {
    let described: BTreeMap<&str, &Event> = described(expected).collect();
    let mut seen: Vec<(NaiveDateTime, String)> = Vec::new();
    let mut after = Value::Null;
    loop {
        let mut answer = gateway.data(EVENTS, json!({ "after": after })).await.unwrap();
        let page = answer["events"].take();
        assert_eq!(page["totalCount"], described.len());
        for node in page["nodes"].as_array().unwrap() {
            seen.push((instant(&node["createdAt"]), node["eventId"].as_str().unwrap().to_owned()));
        }
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        assert!(seen.len() <= described.len(), "the pages never end");
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert!(seen.is_sorted_by(|left, right| left.0 >= right.0), "newest first");
    let mut ids: Vec<&str> = seen.iter().map(|(_, id)| id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, described.into_keys().collect::<Vec<_>>(), "each event on one page, once");
}

async fn check_users(gateway: &GraphQl, expected: &Tables) {
    let mut users: BTreeMap<&str, Vec<(&str, &Event)>> = BTreeMap::new();
    for (event_id, event) in described(expected) {
        users.entry(&event.user).or_default().push((event_id, event));
    }
    for (user, owned) in users {
        let mut answer = gateway.data(USER, json!({ "user": user })).await.unwrap();
        let answer = answer["user"].take();
        let events: Vec<&Event> = owned.iter().map(|(_, event)| *event).collect();
        let sum = |of: fn(&Event) -> i32| events.iter().map(|event| i64::from(of(event))).sum::<i64>();
        let facts = json!({
            "userId": user,
            "eventCount": events.len(),
            "activeEventCount": events.iter().filter(|event| event.status == "ACTIVE").count(),
            "totalParticipants": sum(|event| event.participants),
            "totalViews": sum(|event| event.views),
        });
        for (field, expected) in facts.as_object().unwrap() {
            assert_eq!(&answer[field], expected, "{field} of {user}");
        }
        let metrics = vec![
            ("totalInvestment", Some(events.iter().map(|event| event.investment).sum())),
            ("expectedRevenue", Some(events.iter().map(|event| event.revenue).sum())),
            ("roi", formulas::user_roi(&events)),
        ];
        check_metrics(&answer, &metrics, user);
        let nodes = answer["events"]["nodes"].as_array().unwrap();
        let mut ids: Vec<&str> = nodes.iter().map(|node| node["eventId"].as_str().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, owned.iter().map(|(event_id, _)| *event_id).collect::<Vec<_>>(), "events of {user}");
    }
}

fn described(tables: &Tables) -> impl Iterator<Item = (&str, &Event)> {
    tables.events.iter().filter(|(_, event)| event.described).map(|(id, event)| (id.as_str(), event))
}

fn channels_of<'a>(tables: &'a Tables, event_id: &str) -> BTreeMap<&'a str, &'a Channel> {
    let channels = tables.channels.iter().filter(|((event, _), _)| event == event_id);
    channels.map(|((_, name), channel)| (name.as_str(), channel)).collect()
}

fn instant(value: &Value) -> NaiveDateTime {
    let text = value.as_str().unwrap();
    assert!(text.ends_with('Z'), "{text} is not in UTC");
    DateTime::parse_from_rfc3339(text).unwrap().naive_utc()
}

fn decimal(value: &Value) -> Option<Decimal> {
    value.as_str().map(|text| Decimal::from_str(text).unwrap())
}

fn number(value: &Value) -> i32 {
    i32::try_from(value.as_i64().unwrap()).unwrap()
}
