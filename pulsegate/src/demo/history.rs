//! What happened before the demo was started.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;

use super::{
    campaign::{Campaign, Plan},
    message::Message,
    rhythm,
    seed::Stream,
};

impl Plan {
    /// The instant that its history begins with: midnight in Seoul.
    pub(super) fn beginning(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = rhythm::number_of(rhythm::day_of(now));
        rhythm::start_of(rhythm::day_at(today - i64::from(self.days)))
    }

    /// Describes all campaigns of the history, so that every page has something to show before the rest arrives.
    pub(super) fn introduction(&self, now: DateTime<Utc>) -> Vec<Message> {
        self.campaigns_before(now)
            .flat_map(|campaign| campaign.descriptions(DateTime::UNIX_EPOCH, now))
            .map(|(_, message)| message)
            .collect()
    }

    /// The campaigns of the history. One of before it is only worth a mention while nothing has taken its place.
    fn campaigns_before(&self, now: DateTime<Utc>) -> impl Iterator<Item = Campaign> + use<> {
        let beginning = self.beginning(now);
        let campaigns = self.campaigns(beginning, now).into_iter();
        campaigns.filter(move |campaign| campaign.end() > beginning || campaign.put_away() > now)
    }

    /// The days of the history, the last one up to `now`. It begins with the first launch, so that what is told of a
    /// campaign adds up: its channels reached people from then on.
    pub(super) fn days_before(&self, now: DateTime<Utc>) -> impl Iterator<Item = i64> + use<> {
        let today = rhythm::number_of(rhythm::day_of(now));
        let first = self.campaigns_before(now).map(|campaign| campaign.first_day()).min().unwrap_or(today);
        first..if self.days == 0 { first } else { today + 1 }
    }

    /// What happened on a day before `now`, in the order of time.
    pub(super) fn day(&self, day: i64, now: DateTime<Utc>) -> Vec<Message> {
        let start = rhythm::start_of(rhythm::day_at(day));
        let mut told: Vec<(DateTime<Utc>, Message)> = Vec::new();
        let is_active = |campaign: &Campaign| campaign.is_active(start + TimeDelta::hours(23));
        for campaign in self.campaigns_before(now).filter(is_active) {
            told.extend(participants(&campaign, day));
            told.push(report(&campaign, day));
        }
        told.retain(|(at, _)| *at < now);
        told.sort_by_key(|(at, _)| *at);
        told.into_iter().map(|(_, message)| message).collect()
    }
}

fn participants(campaign: &Campaign, day: i64) -> impl Iterator<Item = (DateTime<Utc>, Message)> {
    let mut random = campaign.generator(Stream::Day, day);
    let date = rhythm::day_at(day);
    (0..campaign.participants_on(day)).filter_map(move |_| {
        let at = rhythm::instant(date, &mut random);
        let message = campaign.participant(at, &mut random);
        campaign.is_active(at).then_some((at, message))
    })
}

/// The distribution's state of an evening.
fn report(campaign: &Campaign, day: i64) -> (DateTime<Utc>, Message) {
    let mut random = campaign.generator(Stream::Distribution, day);
    let at =
        rhythm::start_of(rhythm::day_at(day)) + TimeDelta::minutes(random.random_range(18 * 60..21 * 60));
    (at, campaign.distribution(at, &mut random))
}
