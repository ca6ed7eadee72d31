//! What happens second by second.

use chrono::{DateTime, TimeDelta, Utc};
use rand::{
    Rng as _, SeedableRng as _,
    distr::{Distribution as _, weighted::WeightedIndex},
    rngs::StdRng,
};

use super::{
    campaign::{Campaign, Plan},
    message::Message,
    rhythm,
    seed::{Stream, generator},
};

/// Messages in a hundred that tell how far a distribution has come; the others are people who take part.
const DISTRIBUTIONS: u32 = 15;
/// How far back the present fades out when the demo starts, as if the campaigns were just catching on.
pub(super) const FADE: TimeDelta = TimeDelta::hours(24);
/// In so many hours it halves. After a day what is left of it is about as much as the history tells.
const HALVES_IN: i64 = 5;
/// The most that the time before the start is told with.
const FADE_RATE: u32 = 2;

impl Plan {
    /// What happened between the beginning of the fade and `now`, which is the same as what would have been told live,
    /// but for what is left out of it. Asked for later, the same second gives a part of what it gave before.
    pub(super) fn recent(&self, from: DateTime<Utc>, to: DateTime<Utc>, now: DateTime<Utc>) -> Vec<Message> {
        let plan = Self { rate: self.rate.min(FADE_RATE), ..*self };
        plan.between(from, to, |at| faded((now - at).num_seconds()))
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
        let mut minute = Minute::of(self.seed, &campaigns, from);
        let mut second = from;
        while second < to {
            if !minute.covers(second) {
                minute = Minute::of(self.seed, &campaigns, second);
            }
            told.extend(self.second(&campaigns, &minute, second, keep(second)));
            second += TimeDelta::seconds(1);
        }
        told.sort_by_key(|(at, _)| *at);
        told.into_iter().map(|(_, message)| message).collect()
    }

    /// Every draw is made whatever the rate and whatever is kept, so that a message is the same in every telling of its
    /// second.
    fn second(
        &self,
        campaigns: &[Campaign],
        minute: &Minute,
        second: DateTime<Utc>,
        keep: u32,
    ) -> impl Iterator<Item = (DateTime<Utc>, Message)> {
        let mut random = generator(self.seed, Stream::Second, second.timestamp(), 0);
        let thousandths = u64::from(self.rate) * minute.wave(second);
        let count = thousandths / 1_000 + u64::from(random.random_range(0..1_000) < thousandths % 1_000);
        (0..count).filter_map(move |_| {
            let (kept, seed) = (random.random_range(0..1_000) < keep, random.random());
            kept.then(|| told(campaigns, minute, second, &mut StdRng::seed_from_u64(seed))).flatten()
        })
    }
}

/// How many messages in a thousand are told of what lies so many seconds back: the less, the longer ago. Straight lines
/// between the hours at which it halves.
fn faded(age: i64) -> u32 {
    let span = HALVES_IN * 3_600;
    let (halvings, rest) = (age.max(0) / span, age.max(0) % span);
    let height = 1_000_i64 >> halvings.min(62);
    u32::try_from(height - height * rest / (2 * span)).unwrap_or(0)
}

/// One thing that happens within a second; `None` where no campaign is active.
fn told(
    campaigns: &[Campaign],
    minute: &Minute,
    second: DateTime<Utc>,
    random: &mut StdRng,
) -> Option<(DateTime<Utc>, Message)> {
    let campaign = campaigns.get(minute.campaigns.as_ref()?.sample(random))?;
    let at = second + TimeDelta::milliseconds(random.random_range(0..1_000));
    let message = if random.random_range(0..100) < DISTRIBUTIONS {
        campaign.distribution(at, random)
    } else {
        campaign.participant(at, random)
    };
    Some((at, message))
}

/// How much happens within a minute, and where. Campaigns begin and end on whole minutes.
struct Minute {
    number: i64,
    /// Per mille of the average; it passes from one height to the next.
    from: u64,
    to: u64,
    campaigns: Option<WeightedIndex<u32>>,
}

impl Minute {
    fn of(seed: u64, campaigns: &[Campaign], second: DateTime<Utc>) -> Self {
        let number = second.timestamp().div_euclid(60);
        let height = |minute| generator(seed, Stream::Wave, minute, 0).random_range(500..=1_500);
        let weights = campaigns.iter().map(|campaign| campaign.weight(second));
        Self {
            number,
            from: height(number),
            to: height(number + 1),
            campaigns: WeightedIndex::new(weights).ok(),
        }
    }

    fn covers(&self, second: DateTime<Utc>) -> bool {
        second.timestamp().div_euclid(60) == self.number
    }

    fn wave(&self, second: DateTime<Utc>) -> u64 {
        let passed = second.timestamp().rem_euclid(60).unsigned_abs();
        (self.from * (60 - passed) + self.to * passed) / 60
    }
}

/// The second that the present begins with at `now`.
pub(super) fn current_second(now: DateTime<Utc>) -> DateTime<Utc> {
    rhythm::whole_second(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_fades_by_halves_and_never_grows_with_age() {
        assert_eq!([0, 5, 10, 20].map(|hours| faded(hours * 3_600)), [1_000, 500, 250, 62]);
        let ages = (0..FADE.num_seconds()).step_by(60);
        assert!(ages.clone().zip(ages.skip(1)).all(|(later, earlier)| faded(later) >= faded(earlier)));
    }
}
