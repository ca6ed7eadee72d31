//! Folds a batch into one change per row, before the database is asked anything.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Timelike, Utc};
use rust_decimal::Decimal;

use super::{EventCreated, Fact, Message};
use crate::{
    domain::{ChannelName, ChannelType, EventId},
    metrics,
};

/// Orders descriptions: by time, then by message id, bytewise.
pub(super) type Age = (NaiveDateTime, String);

/// The change of one `event_stats` row.
#[derive(Debug, Default)]
pub(super) struct EventChange {
    pub participants: i64,
    pub description: Option<(Age, Box<EventCreated>)>,
    /// The earliest `occurredAt` of the batch's `EventCreated` messages.
    pub created_at: Option<NaiveDateTime>,
    pub first_touch: NaiveDateTime,
    pub last_touch: NaiveDateTime,
    /// Whether channels' views may have risen.
    pub distributed: bool,
    /// Timeline buckets by their start.
    pub buckets: BTreeMap<NaiveDateTime, BucketChange>,
}

/// The change of one `timeline_data` row.
#[derive(Debug, Default)]
pub(super) struct BucketChange {
    pub participants: i64,
    pub first_touch: NaiveDateTime,
    pub last_touch: NaiveDateTime,
}

/// Who says what type a channel is: a distribution outranks a participant, then the newest wins.
pub(super) type Claim = (bool, NaiveDateTime, String);

/// The change of one `channel_stats` row.
#[derive(Debug)]
pub(super) struct ChannelChange {
    pub claim: Claim,
    pub channel_type: ChannelType,
    pub participants: i64,
    /// Of the newest distribution.
    pub distribution_cost: Decimal,
    pub average_duration: i32,
    /// impressions, views, clicks, conversions, likes, comments, shares, total calls, completed calls: the largest.
    pub counters: [i32; 9],
    pub first_touch: NaiveDateTime,
    pub last_touch: NaiveDateTime,
}

/// The changes of a batch, in key order: whoever writes them touches rows in the same order as anybody else.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub events: BTreeMap<EventId, EventChange>,
    pub channels: BTreeMap<(EventId, ChannelName), ChannelChange>,
}

/// Folds messages; the result does not depend on their order.
pub(super) fn fold<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Changes {
    let mut changes = Changes::default();
    for message in messages {
        changes.add(message);
    }
    changes
}

/// The minute that holds `at`.
pub(super) fn minute(at: DateTime<Utc>) -> NaiveDateTime {
    // Not rounded by chrono, which refuses what a count of nanoseconds can't express: years before 1677 and after 2262.
    let into =
        TimeDelta::seconds(i64::from(at.second())) + TimeDelta::nanoseconds(i64::from(at.nanosecond()));
    let at = at.naive_utc();
    at.checked_sub_signed(into).unwrap_or(at)
}

impl Changes {
    fn add(&mut self, message: &Message) {
        let at = message.fact.occurred_at().naive_utc();
        let event = self.events.entry(message.fact.event_id().clone()).or_insert_with(|| EventChange {
            first_touch: at,
            last_touch: at,
            ..EventChange::default()
        });
        event.first_touch = event.first_touch.min(at);
        event.last_touch = event.last_touch.max(at);
        match &message.fact {
            Fact::EventCreated(fact) => {
                event.created_at = Some(event.created_at.map_or(at, |earliest| earliest.min(at)));
                let age = (at, message.id());
                if event.description.as_ref().is_none_or(|(newest, _)| *newest < age) {
                    event.description = Some((age, fact.clone()));
                }
            }
            Fact::ParticipantRegistered(fact) => {
                event.participants += 1;
                let bucket = event.buckets.entry(minute(fact.occurred_at)).or_insert(BucketChange {
                    participants: 0,
                    first_touch: at,
                    last_touch: at,
                });
                bucket.participants += 1;
                bucket.first_touch = bucket.first_touch.min(at);
                bucket.last_touch = bucket.last_touch.max(at);
                if let Some((name, kind)) = &fact.channel {
                    let claim = (false, at, message.id());
                    let channel = self.channel(&fact.event_id, name, *kind, claim, at);
                    channel.participants += 1;
                }
            }
            Fact::DistributionCompleted(fact) => {
                event.distributed = true;
                for sent in &fact.channels {
                    let claim = (true, at, message.id());
                    let channel = self.channel(
                        &fact.event_id,
                        &sent.channel_name,
                        sent.channel_type,
                        claim.clone(),
                        at,
                    );
                    if channel.claim == claim {
                        channel.distribution_cost = sent.distribution_cost;
                        channel.average_duration = sent.average_duration;
                    }
                    let counters = [
                        sent.impressions,
                        sent.views,
                        sent.clicks,
                        sent.conversions,
                        sent.likes,
                        sent.comments,
                        sent.shares,
                        sent.total_calls,
                        sent.completed_calls,
                    ];
                    for (largest, value) in channel.counters.iter_mut().zip(counters) {
                        *largest = (*largest).max(value);
                    }
                }
            }
        }
    }

    /// The changes of an event's channels, by name.
    pub(super) fn channels_of(&self, id: &EventId) -> impl Iterator<Item = (&ChannelName, &ChannelChange)> {
        // No name is less than an empty one.
        let first = (id.clone(), ChannelName::trusted(""));
        let theirs = self.channels.range(first..).take_while(move |((event, _), _)| event == id);
        theirs.map(|((_, name), channel)| (name, channel))
    }

    fn channel(
        &mut self,
        event_id: &EventId,
        name: &ChannelName,
        kind: ChannelType,
        claim: Claim,
        at: NaiveDateTime,
    ) -> &mut ChannelChange {
        let channel =
            self.channels.entry((event_id.clone(), name.clone())).or_insert_with(|| ChannelChange {
                claim: claim.clone(),
                channel_type: kind,
                participants: 0,
                distribution_cost: Decimal::ZERO,
                average_duration: 0,
                counters: [0; 9],
                first_touch: at,
                last_touch: at,
            });
        channel.first_touch = channel.first_touch.min(at);
        channel.last_touch = channel.last_touch.max(at);
        if channel.claim < claim {
            channel.claim = claim;
            channel.channel_type = kind;
        }
        channel
    }
}

/// The ROI to store: as sent, else what investment and revenue give, rounded, and never beyond its column.
pub(super) fn estimated_roi(fact: &EventCreated) -> Decimal {
    /// The largest DECIMAL(10,2).
    const LARGEST: Decimal = Decimal::from_parts(1_410_065_407, 2, 0, false, 2);
    metrics::round2(metrics::estimated_roi(fact.estimated_roi, fact.expected_revenue, fact.total_investment))
        .min(LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_begins_on_the_minute_in_every_year() {
        for (at, start) in [
            ("0000-01-01T00:00:00.000001Z", "0000-01-01T00:00:00Z"),
            ("1600-02-29T23:59:59.999999Z", "1600-02-29T23:59:00Z"),
            ("1969-12-31T23:59:30.5Z", "1969-12-31T23:59:00Z"),
            ("2026-01-05T09:31:12Z", "2026-01-05T09:31:00Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:00Z"),
        ] {
            let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
            assert_eq!(minute(instant(at)), instant(start).naive_utc(), "{at}");
        }
    }

    #[test]
    fn the_largest_stored_roi_is_that_of_its_column() {
        let event = EventCreated {
            event_id: EventId::trusted("e"),
            event_title: "t".to_owned(),
            user_id: crate::domain::UserId::trusted("u"),
            total_investment: Decimal::new(1, 2),
            expected_revenue: "9999999999999.99".parse().unwrap(),
            target_roi: Decimal::ZERO,
            estimated_roi: None,
            sales_growth_rate: Decimal::ZERO,
            status: crate::domain::EventStatus::Active,
            occurred_at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(estimated_roi(&event).to_string(), "99999999.99");
    }
}
