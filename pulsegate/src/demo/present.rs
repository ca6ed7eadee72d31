//! What happens second by second.

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng as _, seq::IndexedRandom as _};

use super::{
    campaign::{Campaign, Plan},
    message::Message,
    rhythm,
    seed::{Stream, generator},
};

/// Messages in a hundred that tell how far a distribution has come; the others are people who take part.
const DISTRIBUTIONS: u32 = 15;
/// How long back the present is told in full when the demo starts; before that it fades out, in inverse proportion
/// to its age, as if the campaigns were just catching on.
const FULL: TimeDelta = TimeDelta::minutes(20);
/// How far back it fades out.
pub(super) const FADE: TimeDelta = TimeDelta::hours(24);
/// The most that the time before the start is told with.
const FADE_RATE: u32 = 5;

impl Plan {
    /// What happened between the beginning of the fade and `now`, which is the same as what would have been told live,
    /// but for what is left out of it. Asked for later, the same second gives a part of what it gave before.
    pub(super) fn recent(&self, from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>) -> Vec<Message> {
        let plan = Self { rate: self.rate.min(FADE_RATE), ..*self };
        plan.between(from, to, |at| {
            let age = (now - at).max(FULL);
            u32::try_from(1_000 * FULL.num_seconds() / age.num_seconds().max(1)).unwrap_or(1_000)
        })
    }

    /// What happens within `[from, to)`, whole seconds.
    pub(super) fn live(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Message> {
        self.between(from, to, |_| 1_000)
    }

    /// `keep` says how many messages in a thousand are told.
    fn between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        keep: impl Fn(DateTime<Utc>) -> u32,
    ) -> Vec<Message> {
        let campaigns = self.campaigns(from, to);
        let mut told: Vec<(DateTime<Utc>, Message)> =
            campaigns.iter().flat_map(|campaign| campaign.descriptions(from, to)).collect();
        let mut second = from;
        while second < to {
            told.extend(self.second(&campaigns, second, keep(second)));
            second += TimeDelta::seconds(1);
        }
        told.sort_by_key(|(at, _)| *at);
        told.into_iter().map(|(_, message)| message).collect()
    }

    fn second(
        &self,
        campaigns: &[Campaign],
        second: DateTime<Utc>,
        keep: u32,
    ) -> impl Iterator<Item = (DateTime<Utc>, Message)> {
        let mut random = generator(self.seed, Stream::Second, second.timestamp(), 0);
        (0..self.count(second)).filter_map(move |_| {
            // Every draw is made whatever is kept, so that a message is the same in every telling of its second.
            let (kept, kind) = (random.random_range(0..1_000) < keep, random.random_range(0..100));
            let at = second + TimeDelta::milliseconds(random.random_range(0..1_000));
            let campaign = campaigns.choose_weighted(&mut random, |campaign| campaign.weight(second)).ok()?;
            let message = if kind < DISTRIBUTIONS {
                campaign.distribution(at, &mut random)
            } else {
                campaign.participant(at, &mut random)
            };
            kept.then_some((at, message))
        })
    }

    /// How many messages a second has: the rate, in waves of minutes.
    fn count(&self, second: DateTime<Utc>) -> u64 {
        let minute = second.timestamp().div_euclid(60);
        let height = |minute| generator(self.seed, Stream::Wave, minute, 0).random_range(500..=1_500_u64);
        let part = second.timestamp().rem_euclid(60).unsigned_abs();
        let wave = (height(minute) * (60 - part) + height(minute + 1) * part) / 60;
        let thousandths = u64::from(self.rate) * wave;
        let mut random = generator(self.seed, Stream::Count, second.timestamp(), 0);
        thousandths / 1_000 + u64::from(random.random_range(0..1_000) < thousandths % 1_000)
    }
}

/// The second that the present begins with at `now`.
pub(super) fn current_second(now: DateTime<Utc>) -> DateTime<Utc> {
    rhythm::whole_second(now)
}
