use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, seq::IndexedRandom as _};
use service::domain::{ChannelType, EventStatus};
use uuid::Uuid;

use super::{
    catalogue::{CALLS, Medium, SOCIAL, TELEVISION, TITLES},
    message::{Body, Channel, DistributionCompleted, EventCreated, Message, ParticipantRegistered, decimal},
    rhythm::{self, ACTIVE_DAYS},
    seed::{Stream, generator, message_id},
};

/// Days from a campaign's launch to that of the next in its place.
const PERIOD_DAYS: i64 = 28;
/// Registrations on an average day of a campaign of average popularity.
const DAILY_PARTICIPANTS: u64 = 450;
/// People in a hundred who register without having come by a channel.
const WITHOUT_CHANNEL: u32 = 8;

/// How much there is to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Owners of campaigns, at least 1.
    pub(crate) users: u32,
    /// Campaigns at a time, at least 1. Those that ended within the history come on top.
    pub(crate) events: u32,
    /// Days of history.
    pub(crate) days: u32,
    /// Messages a second from now on.
    pub(crate) rate: u32,
}

/// One event's life: launched, active, ended, and put away when the next takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Campaign {
    /// Names it among all campaigns of its plan's seed.
    number: i64,
    seed: u64,
    event_id: String,
    title: String,
    user_id: String,
    launch: DateTime<Utc>,
    /// The day that it is launched on, counted from 1970-01-01.
    first_day: i64,
    /// Hundredths of a won.
    investment: i64,
    revenue: i64,
    /// Hundredths of a percent.
    target_roi: i64,
    estimated_roi: Option<i64>,
    growth: i64,
    /// Per mille of the average.
    popularity: u32,
    reaches: Vec<Reach>,
}

/// What a campaign does on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reach {
    medium: Medium,
    /// Hundredths of a won, for all of its life.
    cost: i64,
    /// Impressions that it would come to if it went on for ever.
    impressions: i64,
    /// Per mille: of the impressions that are viewed, of the views that are clicked, of the clicks that convert.
    viewed: i64,
    clicked: i64,
    converted: i64,
    /// Seconds of a call.
    duration: i64,
}

impl Plan {
    /// The campaigns that have something to tell of `[from, to)`, in the order of their launch.
    pub(super) fn campaigns(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Campaign> {
        let (first, last) = (rhythm::number_of(rhythm::day_of(from)), rhythm::number_of(rhythm::day_of(to)));
        let mut campaigns: Vec<Campaign> = (0..i64::from(self.events))
            .flat_map(|place| {
                // Launches are spread evenly, so that campaigns of all ages are there at any time.
                let offset = place * PERIOD_DAYS / i64::from(self.events);
                let turn = |day: i64| (day - offset).div_euclid(PERIOD_DAYS);
                (turn(first)..=turn(last)).map(move |turn| (place, turn, turn * PERIOD_DAYS + offset))
            })
            .map(|(place, turn, day)| Campaign::draw(self, place, turn, day))
            .filter(|campaign| campaign.launch < to && campaign.put_away() >= from)
            .collect();
        campaigns.sort_by_key(|campaign| (campaign.launch, campaign.number));
        campaigns
    }
}

impl Campaign {
    fn draw(plan: &Plan, place: i64, turn: i64, first_day: i64) -> Self {
        let number = first_day * 1_000 + place;
        let mut random = generator(plan.seed, Stream::Campaign, place, first_day);
        let day = rhythm::day_at(first_day);
        let launch = rhythm::start_of(day) + TimeDelta::minutes(random.random_range(8 * 60..11 * 60));
        let investment = random.random_range(8..90) * 10_000_000;
        // From a loss to more than twice the stake.
        let revenue = investment / 100 * random.random_range(70..330);
        // One after the other, so that the campaigns of a time differ as long as there are titles.
        let title = usize::try_from(turn * i64::from(plan.events) + place).unwrap_or(0) % TITLES.len();
        let wanted = [TELEVISION.choose(&mut random), SOCIAL.choose(&mut random)];
        let mut media: Vec<Medium> = wanted.into_iter().flatten().copied().collect();
        if random.random_ratio(2, 3) {
            media.extend(SOCIAL.iter().find(|medium| !media.contains(medium)));
        }
        if random.random_ratio(3, 4) {
            media.extend(CALLS);
        }
        let popularity = random.random_range(300..2_400);
        let shares: u32 = media.iter().map(|medium| medium.weight).sum();
        let reaches = media
            .into_iter()
            .map(|medium| {
                Reach::draw(
                    medium,
                    investment / 2 * i64::from(medium.weight) / i64::from(shares),
                    popularity,
                    &mut random,
                )
            })
            .collect();
        Self {
            number,
            seed: plan.seed,
            event_id: format!("demo-{}-{:02}", day.format("%y%m%d"), place + 1),
            title: TITLES[title].to_owned(),
            user_id: format!("demo-user-{:02}", place % i64::from(plan.users) + 1),
            launch,
            first_day,
            investment,
            revenue,
            target_roi: random.random_range(60..200) * 100,
            estimated_roi: random.random_ratio(4, 5).then(|| random.random_range(40..26_000)),
            growth: random.random_range(-800..3_500),
            popularity,
            reaches,
        }
    }

    /// The event's id.
    pub(super) fn event_id(&self) -> &str {
        &self.event_id
    }

    /// The day that it is launched on, counted from 1970-01-01.
    pub(super) const fn first_day(&self) -> i64 {
        self.first_day
    }

    /// The names of its channels, and their types.
    #[cfg(test)]
    pub(super) fn channels(&self) -> impl Iterator<Item = (&'static str, ChannelType)> {
        self.reaches.iter().map(|reach| (reach.medium.name, reach.medium.kind))
    }

    /// How far its distribution over one channel has come.
    pub(super) fn channel(&self, name: &str, kind: ChannelType, at: DateTime<Utc>) -> Option<Channel> {
        let reach =
            self.reaches.iter().find(|reach| reach.medium.name == name && reach.medium.kind == kind)?;
        Some(reach.after(self.age(at)))
    }

    /// Seconds from its launch, until it ends.
    fn age(&self, at: DateTime<Utc>) -> i64 {
        (at.min(self.end()) - self.launch).num_seconds().max(0)
    }

    /// When people can no longer take part.
    pub(super) fn end(&self) -> DateTime<Utc> {
        rhythm::start_of(rhythm::day_at(self.first_day + ACTIVE_DAYS))
    }

    /// When the next takes its place.
    pub(super) fn put_away(&self) -> DateTime<Utc> {
        rhythm::start_of(rhythm::day_at(self.first_day + PERIOD_DAYS))
    }

    pub(super) fn is_active(&self, instant: DateTime<Utc>) -> bool {
        self.launch <= instant && instant < self.end()
    }

    /// How many people take part around an instant, against the other campaigns.
    pub(super) fn weight(&self, instant: DateTime<Utc>) -> u32 {
        if !self.is_active(instant) {
            return 0;
        }
        let age = rhythm::number_of(rhythm::day_of(instant)) - self.first_day;
        // Never nobody: a campaign that wears off is still seen to move.
        (self.popularity * rhythm::life(age) / 1_000).max(50)
    }

    /// Registrations on the day of a number.
    pub(super) fn participants_on(&self, day: i64) -> u64 {
        let shares = u64::from(self.popularity) * u64::from(rhythm::life(day - self.first_day));
        let expected = DAILY_PARTICIPANTS * shares / 1_000_000;
        expected * u64::from(rhythm::weekday(rhythm::day_at(day))) / 1_000
    }

    /// Draws what belongs to it and to a day.
    pub(super) fn generator(&self, stream: Stream, day: i64) -> rand::rngs::StdRng {
        generator(self.seed, stream, self.number, day)
    }

    /// What is said of it within `[from, to)`: that it is there, that it ended, that it was put away.
    pub(super) fn descriptions(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Vec<(DateTime<Utc>, Message)> {
        let mut random = self.generator(Stream::Description, self.first_day);
        [
            (self.launch, EventStatus::Active),
            (self.end(), EventStatus::Ended),
            (self.put_away(), EventStatus::Archived),
        ]
        .into_iter()
        // All ids are drawn, so that each status has its own whatever part is told.
        .map(|(at, status)| (at, status, message_id(&mut random)))
        .filter(|(at, ..)| (from..to).contains(at))
        .map(|(at, status, id)| (at, self.describe(id, at, status)))
        .collect()
    }

    fn describe(&self, id: Uuid, at: DateTime<Utc>, status: EventStatus) -> Message {
        self.message(Body::EventCreated(EventCreated {
            message_id: id.to_string(),
            occurred_at: rhythm::tell(at),
            event_id: self.event_id.clone(),
            event_title: self.title.clone(),
            user_id: self.user_id.clone(),
            total_investment: decimal(self.investment),
            expected_revenue: decimal(self.revenue),
            target_roi: decimal(self.target_roi),
            estimated_roi: self.estimated_roi.map(decimal),
            sales_growth_rate: decimal(self.growth),
            status: status.as_str(),
        }))
    }

    /// Somebody takes part.
    pub(super) fn participant(&self, at: DateTime<Utc>, random: &mut impl Rng) -> Message {
        let id = message_id(random);
        let person = message_id(random);
        let medium = (random.random_range(0..100) >= WITHOUT_CHANNEL)
            .then(|| self.reaches.choose_weighted(random, |reach| reach.medium.weight).ok())
            .flatten()
            .map(|reach| reach.medium);
        self.message(Body::ParticipantRegistered(ParticipantRegistered {
            message_id: id.to_string(),
            occurred_at: rhythm::tell(at),
            event_id: self.event_id.clone(),
            participant_id: format!("p-{}", person.simple()),
            channel_name: medium.map(|medium| medium.name),
            channel_type: medium.map(|medium| medium.kind.as_str()),
        }))
    }

    /// How far its distribution has come.
    pub(super) fn distribution(&self, at: DateTime<Utc>, random: &mut impl Rng) -> Message {
        let age = self.age(at);
        self.message(Body::DistributionCompleted(DistributionCompleted {
            message_id: message_id(random).to_string(),
            occurred_at: rhythm::tell(at),
            event_id: self.event_id.clone(),
            channels: self.reaches.iter().map(|reach| reach.after(age)).collect(),
        }))
    }

    fn message(&self, body: Body) -> Message {
        Message { key: self.event_id.clone(), body }
    }
}

impl Reach {
    fn draw(medium: Medium, cost: i64, popularity: u32, random: &mut impl Rng) -> Self {
        let scale = i64::from(popularity) * i64::from(medium.weight);
        let (impressions, viewed, clicked) = match medium.kind {
            ChannelType::Tv => {
                (random.random_range(60..140), random.random_range(500..800), random.random_range(8..25))
            }
            ChannelType::Sns => {
                (random.random_range(40..110), random.random_range(250..600), random.random_range(40..120))
            }
            ChannelType::Voice => {
                (random.random_range(2..5), random.random_range(600..900), random.random_range(60..150))
            }
        };
        Self {
            medium,
            cost,
            impressions: impressions * scale,
            viewed,
            clicked,
            converted: random.random_range(4..13),
            duration: random.random_range(25..95),
        }
    }

    /// Its numbers when its campaign is `age` seconds old. They only ever rise.
    fn after(&self, age: i64) -> Channel {
        const HALF_TIME: i64 = 5 * 86_400;
        let by_then = |all: i64| all * age / (age + HALF_TIME);
        let impressions = by_then(self.impressions);
        let views = impressions * self.viewed / 1_000;
        let clicks = views * self.clicked / 1_000;
        let channel = Channel {
            channel_name: self.medium.name,
            channel_type: self.medium.kind.as_str(),
            distribution_cost: decimal(self.cost),
            impressions,
            views,
            clicks,
            // Who clicks makes up their mind later.
            conversions: by_then(clicks * self.converted / 1_000),
            ..Channel::default()
        };
        match self.medium.kind {
            ChannelType::Tv => channel,
            ChannelType::Sns => Channel {
                likes: Some(views * 62 / 1_000),
                comments: Some(views * 9 / 1_000),
                shares: Some(views * 5 / 1_000),
                ..channel
            },
            ChannelType::Voice => Channel {
                total_calls: Some(impressions),
                completed_calls: Some(views),
                average_duration: Some(self.duration),
                ..channel
            },
        }
    }
}
