use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use consumer::{
    Topics,
    message::{Kind, decode},
};
use service::ingest::Fact;

use super::{
    Plan,
    message::{Body, Message},
    present,
};

const PLAN: Plan = Plan { seed: 7, users: 3, events: 9, days: 14, rate: 2 };

fn noon() -> DateTime<Utc> {
    "2026-01-20T03:00:00Z".parse().unwrap()
}

fn id(message: &Message) -> &str {
    match &message.body {
        Body::EventCreated(body) => &body.message_id,
        Body::ParticipantRegistered(body) => &body.message_id,
        Body::DistributionCompleted(body) => &body.message_id,
    }
}

/// All that a start at `now` tells before it goes on live.
fn backfill(plan: &Plan, now: DateTime<Utc>) -> Vec<Message> {
    let mut told = plan.introduction(now);
    told.extend(plan.days_before(now).flat_map(|day| plan.day(day, now)));
    told.extend(plan.recent(now - present::FADE, now, now));
    told
}

fn by_id(messages: &[Message]) -> BTreeMap<&str, &Message> {
    messages.iter().map(|message| (id(message), message)).collect()
}

#[test]
fn the_same_instant_tells_the_same() {
    assert_eq!(backfill(&PLAN, noon()), backfill(&PLAN, noon()));
    let other = Plan { seed: 8, ..PLAN };
    assert_ne!(backfill(&PLAN, noon()), backfill(&other, noon()));
}

#[test]
fn ids_are_unique() {
    let told = backfill(&PLAN, noon());
    assert_eq!(told.iter().map(id).collect::<HashSet<_>>().len(), told.len());
}

/// A second start adds only what is new: what it repeats has the same id and says the same, down to the byte.
#[test]
fn a_later_start_goes_on_with_the_same_campaigns() {
    let (first, later) = (noon(), noon() + TimeDelta::hours(30));
    let mut before = backfill(&PLAN, first);
    before.extend(PLAN.live(first, first + TimeDelta::minutes(30)));
    let again = backfill(&PLAN, later);
    let (before, again) = (by_id(&before), by_id(&again));
    let common: Vec<_> = before.iter().filter(|(id, _)| again.contains_key(*id)).collect();
    assert!(common.len() > 5_000, "{} messages in common", common.len());
    for (id, message) in common {
        assert_eq!(again[*id], *message);
    }
    // Of the time before the first start, the second tells nothing that the first did not.
    let border = super::rhythm::tell(first);
    let start = super::rhythm::tell(PLAN.beginning(later));
    for (id, message) in &again {
        let at = match &message.body {
            Body::EventCreated(body) => &body.occurred_at,
            Body::ParticipantRegistered(body) => &body.occurred_at,
            Body::DistributionCompleted(body) => &body.occurred_at,
        };
        assert!(*at >= border || *at < start || before.contains_key(id), "{id} at {at} came up later");
    }
}

#[test]
fn the_default_is_of_a_modest_size_and_all_kinds_are_in_it() {
    let told = backfill(&PLAN, noon());
    assert!((60_000..150_000).contains(&told.len()), "{} messages", told.len());
    let events: BTreeSet<&str> = told.iter().map(|message| message.key.as_str()).collect();
    assert!((9..=12).contains(&events.len()), "{events:?}");
    let mut statuses = BTreeSet::new();
    let mut titles = BTreeSet::new();
    let mut users = BTreeSet::new();
    let mut types = BTreeSet::new();
    let mut distributed = BTreeSet::new();
    for message in &told {
        match &message.body {
            Body::EventCreated(body) => {
                statuses.insert(body.status);
                titles.insert(body.event_title.as_str());
                users.insert(body.user_id.as_str());
            }
            Body::ParticipantRegistered(body) => drop(types.insert(body.channel_type)),
            Body::DistributionCompleted(body) => drop(distributed.insert(body.event_id.as_str())),
        }
    }
    assert!(statuses.is_superset(&["ACTIVE", "ENDED"].into()), "{statuses:?}");
    assert_eq!(titles.len(), events.len(), "each has a title of its own");
    assert_eq!(users.len(), 3);
    assert_eq!(types, [None, Some("SNS"), Some("TV"), Some("VOICE")].into());
    assert_eq!(distributed, events);
}

/// Nobody converts who has not taken part, in whatever part of its life a campaign is.
#[test]
fn a_funnel_narrows_to_its_end() {
    for day in [0, 9, 20] {
        let told = backfill(&PLAN, noon() + TimeDelta::days(day));
        let mut conversions: BTreeMap<&str, i64> = BTreeMap::new();
        let mut participants: BTreeMap<&str, i64> = BTreeMap::new();
        for message in &told {
            match &message.body {
                Body::EventCreated(_) => {}
                Body::ParticipantRegistered(_) => *participants.entry(&message.key).or_default() += 1,
                Body::DistributionCompleted(body) => {
                    let sum: i64 = body.channels.iter().map(|channel| channel.conversions).sum();
                    let most = conversions.entry(&message.key).or_default();
                    *most = sum.max(*most);
                }
            }
        }
        for (event, conversions) in conversions {
            let participants = participants.get(event).copied().unwrap_or_default();
            assert!(conversions <= participants, "{event}: {conversions} of {participants}");
        }
    }
}

/// Whatever the day, and after years too.
#[test]
fn every_message_is_one_that_the_consumer_takes() {
    for days in [0, 13, 400, 5_000] {
        let now = noon() + TimeDelta::days(days);
        let mut told = PLAN.introduction(now);
        told.extend(PLAN.day(super::rhythm::number_of(super::rhythm::day_of(now)) - 1, now));
        told.extend(PLAN.live(now, now + TimeDelta::minutes(5)));
        for message in told {
            let kind = match message.body {
                Body::EventCreated(_) => Kind::EventCreated,
                Body::ParticipantRegistered(_) => Kind::ParticipantRegistered,
                Body::DistributionCompleted(_) => Kind::DistributionCompleted,
            };
            let payload = serde_json::to_vec(&message.body).unwrap();
            let headers: [(&str, &[u8]); 0] = [];
            let decoded = decode(kind, Some(&payload), &headers[..]).unwrap();
            assert_eq!(decoded.message_id.as_deref(), Some(id(&message)));
            if let Fact::EventCreated(fact) = decoded.fact {
                assert_eq!(fact.event_id.as_str(), message.key);
            }
        }
    }
}

#[test]
fn counters_of_a_channel_only_rise() {
    let mut last: BTreeMap<(String, &str), Vec<i64>> = BTreeMap::new();
    let now = noon();
    let days = PLAN.days_before(now).flat_map(|day| PLAN.day(day, now));
    for message in days.chain(PLAN.live(now, now + TimeDelta::minutes(20))) {
        let Body::DistributionCompleted(body) = message.body else { continue };
        for channel in body.channels {
            let counters = vec![
                channel.impressions,
                channel.views,
                channel.clicks,
                channel.conversions,
                channel.likes.unwrap_or(0),
                channel.comments.unwrap_or(0),
                channel.shares.unwrap_or(0),
                channel.total_calls.unwrap_or(0),
                channel.completed_calls.unwrap_or(0),
            ];
            let before = last.insert((body.event_id.clone(), channel.channel_name), counters.clone());
            if let Some(before) = before {
                assert!(
                    before.iter().zip(&counters).all(|(before, now)| before <= now),
                    "{before:?} {counters:?}"
                );
            }
        }
    }
    assert!(!last.is_empty());
}

#[test]
fn live_keeps_its_rate() {
    for (rate, expected) in [(1, 3_600), (5, 18_000), (40, 144_000)] {
        let plan = Plan { rate, ..PLAN };
        let told = plan.live(noon(), noon() + TimeDelta::hours(1)).len();
        let within = expected / 8;
        assert!(told.abs_diff(expected) < within, "{told} messages in an hour at {rate}/s");
    }
}

#[test]
fn what_is_told_live_is_told_in_time() {
    let now = noon();
    for message in PLAN.live(now, now + TimeDelta::seconds(10)) {
        if let Body::ParticipantRegistered(body) = message.body {
            let at: DateTime<Utc> = body.occurred_at.parse().unwrap();
            assert!((now..now + TimeDelta::seconds(10)).contains(&at));
        }
    }
}

#[test]
fn more_of_everything_can_be_had() {
    let plan = Plan { seed: 1, users: 40, events: 120, days: 1, rate: 5 };
    let told = plan.introduction(noon());
    let events: BTreeSet<&str> = told.iter().map(|message| message.key.as_str()).collect();
    assert!(events.len() >= 120, "{}", events.len());
    assert!(events.iter().all(|event| event.chars().count() <= 36));
    let quiet = Plan { days: 0, ..plan };
    assert_eq!(quiet.days_before(noon()).count(), 0);
}

#[test]
fn topics_are_those_that_are_configured() {
    let topics = Topics {
        event_created: "a".to_owned(),
        participant_registered: "b".to_owned(),
        distribution_completed: "c".to_owned(),
        dead_letter: "d".to_owned(),
    };
    let used: BTreeSet<String> =
        backfill(&PLAN, noon()).iter().map(|m| m.topic(&topics).to_owned()).collect();
    assert_eq!(used, ["a", "b", "c"].map(str::to_owned).into());
}
