use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{BreakerState, Channel, ChannelType, Event, EventStatus, LastTold};

/// A channel that has only just appeared has not been read yet, which is no reason for alarm.
const GRACE: TimeDelta = TimeDelta::minutes(1);

/// Where numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// The newest came from a reading of the channel's external API.
    ExternalApi,
    /// The newest came from messages.
    Kafka,
    /// An external API should have renewed them, but could not.
    Stored,
}

/// How current numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When they were so.
    pub as_of: DateTime<Utc>,
    /// Where they come from.
    pub source: DataSource,
    /// Whether they are older than they are meant to be.
    pub is_stale: bool,
    /// Of the API; `None` where no API is configured.
    pub breaker: Option<BreakerState>,
}

/// The breakers of the APIs by the type of channel; `None` where no API is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breakers(pub(super) [Option<BreakerState>; 3]);

impl Breakers {
    /// Of the API of these channels.
    #[must_use]
    pub const fn of(self, kind: ChannelType) -> Option<BreakerState> {
        self.0[kind as usize]
    }
}

impl Freshness {
    /// Of one channel of an event that stands where `status` says; `None` where it was read without when it was last told.
    #[must_use]
    pub fn of_channel(
        channel: &Channel,
        status: EventStatus,
        breakers: Breakers,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let LastTold { distributed_at, read_at, fresh_until } = channel.last_told?;
        let breaker = breakers.of(channel.channel_type);
        // Only events that are active are kept current.
        let is_meant_to_be_read = breaker.is_some() && status == EventStatus::Active;
        let is_old = match fresh_until {
            Some(fresh_until) => fresh_until < now,
            None => channel.created_at + GRACE < now,
        };
        let is_stale = is_meant_to_be_read && (is_old || breaker != Some(BreakerState::Closed));
        let source = if is_stale {
            DataSource::Stored
        } else if read_at.is_some() && read_at >= distributed_at {
            DataSource::ExternalApi
        } else {
            DataSource::Kafka
        };
        let as_of = read_at.max(distributed_at).unwrap_or(channel.updated_at);
        Some(Self { as_of, source, is_stale, breaker })
    }

    /// Of an event with these channels: as current as the least current of them; `None` where one was read without when
    /// it was last told.
    #[must_use]
    pub fn of_event(
        event: &Event,
        channels: &[Channel],
        breakers: Breakers,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let kafka =
            Self { as_of: event.updated_at, source: DataSource::Kafka, is_stale: false, breaker: None };
        let mut worst: Option<Self> = None;
        for channel in channels {
            let of_it = Self::of_channel(channel, event.status, breakers, now)?;
            worst = Some(worst.map_or(of_it, |worst| worst.worse(of_it)));
        }
        Some(match worst {
            None => kafka,
            Some(worst) if worst.source == DataSource::Kafka => Self { breaker: worst.breaker, ..kafka },
            Some(worst) => worst,
        })
    }

    fn worse(self, other: Self) -> Self {
        let source = |one: &Self| match one.source {
            DataSource::Kafka => 0,
            DataSource::ExternalApi => 1,
            DataSource::Stored => 2,
        };
        let state = |one: &Self| match one.breaker {
            None => 0,
            Some(BreakerState::Closed) => 1,
            Some(BreakerState::HalfOpen) => 2,
            Some(BreakerState::Open) => 3,
        };
        let as_of = match source(&self).cmp(&source(&other)) {
            std::cmp::Ordering::Greater => self.as_of,
            std::cmp::Ordering::Less => other.as_of,
            std::cmp::Ordering::Equal => self.as_of.min(other.as_of),
        };
        Self {
            as_of,
            source: if source(&self) >= source(&other) { self.source } else { other.source },
            is_stale: self.is_stale || other.is_stale,
            breaker: if state(&self) >= state(&other) { self.breaker } else { other.breaker },
        }
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::{ChannelName, EventId, UserId};

    fn at(minute: u32) -> DateTime<Utc> {
        format!("2026-01-05T09:{minute:02}:00Z").parse().unwrap()
    }

    fn channel(kind: ChannelType, distributed: Option<u32>, read: Option<u32>) -> Channel {
        Channel {
            event_id: EventId::trusted("evt-1"),
            channel_name: ChannelName::trusted("지니TV"),
            channel_type: kind,
            impressions: 0,
            views: 0,
            clicks: 0,
            participants: 0,
            conversions: 0,
            distribution_cost: Decimal::ZERO,
            likes: 0,
            comments: 0,
            shares: 0,
            total_calls: 0,
            completed_calls: 0,
            average_duration: 0,
            created_at: at(0),
            updated_at: at(9),
            last_told: Some(LastTold {
                distributed_at: distributed.map(at),
                read_at: read.map(at),
                fresh_until: read.map(|minute| at(minute + 3)),
            }),
        }
    }

    fn event(status: EventStatus) -> Event {
        Event {
            event_id: EventId::trusted("evt-1"),
            title: String::new(),
            user_id: UserId::trusted("user-1"),
            total_participants: 0,
            total_views: 0,
            estimated_roi: Decimal::ZERO,
            target_roi: Decimal::ZERO,
            sales_growth_rate: Decimal::ZERO,
            total_investment: Decimal::ZERO,
            expected_revenue: Decimal::ZERO,
            status,
            created_at: at(0),
            updated_at: at(20),
            revision: 1,
        }
    }

    const CLOSED: Breakers = Breakers([Some(BreakerState::Closed), None, Some(BreakerState::Open)]);

    #[test]
    fn a_channel_is_told_by_its_newest_statement() {
        let of = |channel: &Channel, now| {
            let freshness = Freshness::of_channel(channel, EventStatus::Active, CLOSED, at(now)).unwrap();
            (freshness.as_of, freshness.source, freshness.is_stale)
        };
        let tv = |distributed, read| channel(ChannelType::Tv, distributed, read);
        assert_eq!(of(&tv(Some(1), Some(5)), 6), (at(5), DataSource::ExternalApi, false));
        assert_eq!(of(&tv(Some(6), Some(5)), 7), (at(6), DataSource::Kafka, false));
        assert_eq!(
            of(&tv(Some(6), Some(5)), 9),
            (at(6), DataSource::Stored, true),
            "it should have been read"
        );
        assert_eq!(of(&tv(Some(1), None), 1), (at(1), DataSource::Kafka, false), "it has only just appeared");
        assert_eq!(of(&tv(Some(1), None), 2), (at(1), DataSource::Stored, true));
        assert_eq!(of(&tv(None, None), 1), (at(9), DataSource::Kafka, false), "only participants tell of it");
        let sns = channel(ChannelType::Sns, Some(1), None);
        assert_eq!(of(&sns, 50), (at(1), DataSource::Kafka, false), "no API is configured");
    }

    #[test]
    fn an_open_breaker_makes_active_events_stale() {
        let voice = channel(ChannelType::Voice, Some(1), Some(5));
        let of = |status| Freshness::of_channel(&voice, status, CLOSED, at(6)).unwrap();
        let open = Some(BreakerState::Open);
        let stored = Freshness { as_of: at(5), source: DataSource::Stored, is_stale: true, breaker: open };
        assert_eq!(of(EventStatus::Active), stored);
        let over = Freshness { source: DataSource::ExternalApi, is_stale: false, ..stored };
        assert_eq!(of(EventStatus::Ended), over, "nobody reads it any more");
    }

    #[test]
    fn an_event_is_as_current_as_the_least_current_of_its_channels() {
        let of = |channels: &[Channel]| {
            Freshness::of_event(&event(EventStatus::Active), channels, CLOSED, at(7)).unwrap()
        };
        let kafka = Freshness { as_of: at(20), source: DataSource::Kafka, is_stale: false, breaker: None };
        assert_eq!(of(&[]), kafka);
        let sns = channel(ChannelType::Sns, Some(1), None);
        assert_eq!(of(std::slice::from_ref(&sns)), kafka);
        let tv = channel(ChannelType::Tv, Some(1), Some(6));
        let read = Freshness {
            as_of: at(6),
            source: DataSource::ExternalApi,
            is_stale: false,
            breaker: Some(BreakerState::Closed),
        };
        assert_eq!(of(&[sns.clone(), tv.clone()]), read);
        let voice = channel(ChannelType::Voice, None, Some(5));
        let worst = Freshness {
            as_of: at(5),
            source: DataSource::Stored,
            is_stale: true,
            breaker: Some(BreakerState::Open),
        };
        assert_eq!(of(&[voice, sns, tv.clone()]), worst);
        let untold = Channel { last_told: None, ..tv.clone() };
        assert_eq!(Freshness::of_event(&event(EventStatus::Active), &[tv, untold], CLOSED, at(7)), None);
    }
}
