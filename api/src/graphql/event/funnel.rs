use async_graphql::{Enum, SimpleObject};
use service::metrics::{ChannelSums, funnel};

use crate::graphql::scalar::{Decimal, Long};

/// The way from being shown something to doing something about it.
#[derive(SimpleObject)]
pub(crate) struct Funnel {
    /// The steps in their order.
    steps: Vec<FunnelStep>,
}

/// One step of a funnel.
#[derive(SimpleObject)]
pub(crate) struct FunnelStep {
    /// Which step.
    name: FunnelStepName,
    /// How many got here, over all channels.
    count: Long,
    /// count / count of the step before × 100: the percent that remains. Null for the first step, and where the step
    /// before is 0.
    from_previous: Option<Decimal>,
    /// count / count of the first step × 100: the percent that remains. Null where the first step is 0.
    from_first: Option<Decimal>,
}

/// The steps of a funnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::metrics::FunnelStepName")]
pub(crate) enum FunnelStepName {
    /// Times shown.
    Impressions,
    /// Times viewed.
    Views,
    /// Clicks.
    Clicks,
    /// People who registered through a channel.
    Participants,
    /// Conversions.
    Conversions,
}

impl Funnel {
    pub(crate) fn of(sums: &ChannelSums) -> Self {
        let steps = funnel(sums).into_iter().map(|step| FunnelStep {
            name: step.name.into(),
            count: step.count.into(),
            from_previous: step.from_previous.map(Decimal::rounded),
            from_first: step.from_first.map(Decimal::rounded),
        });
        Self { steps: steps.collect() }
    }
}
