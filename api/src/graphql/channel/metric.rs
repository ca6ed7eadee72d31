use async_graphql::Enum;
use rust_decimal::Decimal;
use service::{domain::Channel, metrics::ChannelSums};

/// What channels can be ordered and ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::metrics::ChannelMetric")]
pub(crate) enum ChannelMetric {
    /// Times shown.
    Impressions,
    /// Times viewed.
    Views,
    /// Clicks.
    Clicks,
    /// People who registered.
    Participants,
    /// Conversions.
    Conversions,
    /// What distribution costs, won.
    DistributionCost,
    /// clicks / impressions × 100, percent.
    ClickThroughRate,
    /// (likes + comments + shares) / views × 100, percent.
    EngagementRate,
    /// conversions / clicks × 100, percent.
    ConversionRate,
    /// distributionCost / participants, won. The smallest is the best.
    CostPerParticipant,
}

impl ChannelMetric {
    pub(crate) fn value(self, channel: &Channel) -> Option<Decimal> {
        service::metrics::ChannelMetric::from(self).value(&ChannelSums::from(channel))
    }
}

/// What one row of a ranking stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::read::ChannelGrouping")]
pub(crate) enum ChannelGrouping {
    /// All channels of one name.
    ChannelName,
    /// All channels of one type.
    ChannelType,
}
