use std::{cmp::Ordering, ops::AddAssign};

use rust_decimal::Decimal;

use super::formulas;
use crate::domain::Channel;

/// The numbers of a channel, or of many channels together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelSums {
    /// Times shown.
    pub impressions: i64,
    /// Times viewed.
    pub views: i64,
    /// Clicks.
    pub clicks: i64,
    /// People registered.
    pub participants: i64,
    /// Conversions.
    pub conversions: i64,
    /// Likes, comments and shares.
    pub engagement: i64,
    /// Won.
    pub distribution_cost: Decimal,
}

impl From<&Channel> for ChannelSums {
    fn from(channel: &Channel) -> Self {
        Self {
            impressions: channel.impressions.into(),
            views: channel.views.into(),
            clicks: channel.clicks.into(),
            participants: channel.participants.into(),
            conversions: channel.conversions.into(),
            engagement: i64::from(channel.likes) + i64::from(channel.comments) + i64::from(channel.shares),
            distribution_cost: channel.distribution_cost,
        }
    }
}

impl AddAssign<&Self> for ChannelSums {
    fn add_assign(&mut self, other: &Self) {
        self.impressions += other.impressions;
        self.views += other.views;
        self.clicks += other.clicks;
        self.participants += other.participants;
        self.conversions += other.conversions;
        self.engagement += other.engagement;
        // Fifteen digits a channel: no number of channels fills the 28 of a decimal.
        self.distribution_cost = self.distribution_cost.saturating_add(other.distribution_cost);
    }
}

impl<'a> Extend<&'a Channel> for ChannelSums {
    fn extend<I: IntoIterator<Item = &'a Channel>>(&mut self, channels: I) {
        for channel in channels {
            *self += &Self::from(channel);
        }
    }
}

impl<'a> FromIterator<&'a Channel> for ChannelSums {
    fn from_iter<I: IntoIterator<Item = &'a Channel>>(channels: I) -> Self {
        let mut sums = Self::default();
        sums.extend(channels);
        sums
    }
}

/// What channels are ordered and ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelMetric {
    /// Times shown.
    Impressions,
    /// Times viewed.
    Views,
    /// Clicks.
    Clicks,
    /// People registered.
    Participants,
    /// Conversions.
    Conversions,
    /// Won.
    DistributionCost,
    /// Percent.
    ClickThroughRate,
    /// Percent.
    EngagementRate,
    /// Percent.
    ConversionRate,
    /// Won.
    CostPerParticipant,
}

impl ChannelMetric {
    /// The metric's value, not rounded; `None` where its denominator is 0. Of many channels it is computed from the
    /// sums.
    #[must_use]
    pub fn value(self, sums: &ChannelSums) -> Option<Decimal> {
        match self {
            Self::Impressions => Some(sums.impressions.into()),
            Self::Views => Some(sums.views.into()),
            Self::Clicks => Some(sums.clicks.into()),
            Self::Participants => Some(sums.participants.into()),
            Self::Conversions => Some(sums.conversions.into()),
            Self::DistributionCost => Some(sums.distribution_cost),
            Self::ClickThroughRate => formulas::click_through_rate(sums.clicks, sums.impressions),
            Self::EngagementRate => formulas::engagement_rate(sums.engagement, 0, 0, sums.views),
            Self::ConversionRate => formulas::conversion_rate(sums.conversions, sums.clicks),
            Self::CostPerParticipant => {
                formulas::cost_per_participant(sums.distribution_cost, sums.participants)
            }
        }
    }

    /// Orders two values of this metric, the better one first: the larger, or the smaller where it is a cost per
    /// something. No value comes last.
    #[must_use]
    pub fn better_first(self, left: Option<Decimal>, right: Option<Decimal>) -> Ordering {
        match (left, right) {
            (Some(left), Some(right)) if self == Self::CostPerParticipant => left.cmp(&right),
            (Some(left), Some(right)) => right.cmp(&left),
            (left, right) => left.is_none().cmp(&right.is_none()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums() -> ChannelSums {
        ChannelSums {
            impressions: 1000,
            views: 400,
            clicks: 50,
            participants: 20,
            conversions: 5,
            engagement: 60,
            distribution_cost: "120000.00".parse().unwrap(),
        }
    }

    #[test]
    fn values_come_from_the_sums() {
        let value = |metric: ChannelMetric| metric.value(&sums()).unwrap().normalize().to_string();
        assert_eq!(value(ChannelMetric::Impressions), "1000");
        assert_eq!(value(ChannelMetric::Views), "400");
        assert_eq!(value(ChannelMetric::Clicks), "50");
        assert_eq!(value(ChannelMetric::Participants), "20");
        assert_eq!(value(ChannelMetric::Conversions), "5");
        assert_eq!(value(ChannelMetric::DistributionCost), "120000");
        assert_eq!(value(ChannelMetric::ClickThroughRate), "5");
        assert_eq!(value(ChannelMetric::EngagementRate), "15");
        assert_eq!(value(ChannelMetric::ConversionRate), "10");
        assert_eq!(value(ChannelMetric::CostPerParticipant), "6000");
        let mut twice = sums();
        twice += &sums();
        assert_eq!(ChannelMetric::Impressions.value(&twice), Some(2000.into()));
        assert_eq!(ChannelMetric::EngagementRate.value(&twice), ChannelMetric::EngagementRate.value(&sums()));
        assert_eq!(ChannelMetric::CostPerParticipant.value(&ChannelSums::default()), None);
    }

    #[test]
    fn the_better_value_comes_first_and_none_last() {
        let (low, high) = (Some(Decimal::ONE), Some(Decimal::TEN));
        for metric in
            [ChannelMetric::Participants, ChannelMetric::DistributionCost, ChannelMetric::ConversionRate]
        {
            assert_eq!(metric.better_first(high, low), Ordering::Less);
            assert_eq!(metric.better_first(low, None), Ordering::Less);
            assert_eq!(metric.better_first(None, None), Ordering::Equal);
        }
        assert_eq!(ChannelMetric::CostPerParticipant.better_first(high, low), Ordering::Greater);
        assert_eq!(ChannelMetric::CostPerParticipant.better_first(None, high), Ordering::Greater);
    }
}
