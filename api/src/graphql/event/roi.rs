use std::sync::Arc;

use async_graphql::{Context, Object};
use rust_decimal::Decimal as Exact;
use service::{
    metrics::{self, Roi as Metrics},
    read::EventEntry,
};

use crate::{
    error::Fault,
    graphql::{context::loaders, scalar::Decimal},
};

pub(crate) struct Roi {
    entry: Arc<EventEntry>,
    /// Without what the channels spent, which is read only where it is asked for.
    own: Metrics,
}

impl Roi {
    pub(crate) fn of(entry: Arc<EventEntry>) -> Self {
        Self { own: Metrics::of(&entry.event, Exact::ZERO, 0), entry }
    }
}

/// Return on investment. Amounts are in won, rates in percent; both exact and rounded half to even to two places here
/// only.
#[Object]
impl Roi {
    /// What was invested in the event, won.
    async fn total_investment(&self) -> Decimal {
        Decimal::rounded(self.own.total_investment)
    }

    /// What the event is expected to bring in, won.
    async fn expected_revenue(&self) -> Decimal {
        Decimal::rounded(self.own.expected_revenue)
    }

    /// expectedRevenue − totalInvestment, won; negative for a loss.
    async fn net_profit(&self) -> Decimal {
        Decimal::rounded(self.own.net_profit)
    }

    /// (expectedRevenue − totalInvestment) / totalInvestment × 100, percent; may be negative. Null where
    /// totalInvestment is 0.
    async fn roi(&self) -> Option<Decimal> {
        self.own.roi.map(Decimal::rounded)
    }

    /// ROI as the event's owner estimated it, percent; where they did not, `roi`, or 0 where that is negative or null.
    async fn estimated_roi(&self) -> Decimal {
        Decimal::rounded(self.own.estimated_roi)
    }

    /// The ROI that the event aims at, percent.
    async fn target_roi(&self) -> Decimal {
        Decimal::rounded(self.own.target_roi)
    }

    /// estimatedRoi / targetRoi × 100, percent. Null where targetRoi is 0.
    async fn target_achievement(&self) -> Option<Decimal> {
        self.own.target_achievement.map(Decimal::rounded)
    }

    /// The sum of the channels' distributionCost, won. A part of no formula here: costs are of the whole investment.
    async fn distribution_cost(&self, ctx: &Context<'_>) -> Result<Decimal, Fault> {
        Ok(Decimal::rounded(loaders(ctx).spending(&self.entry).await?.distribution_cost))
    }

    /// totalInvestment / totalParticipants, won. Null where totalParticipants is 0.
    async fn cost_per_participant(&self) -> Option<Decimal> {
        self.own.cost_per_participant.map(Decimal::rounded)
    }

    /// totalInvestment / conversions of all channels, won. Null where there are none.
    async fn cost_per_conversion(&self, ctx: &Context<'_>) -> Result<Option<Decimal>, Fault> {
        let conversions = loaders(ctx).spending(&self.entry).await?.conversions;
        Ok(metrics::cost_per_conversion(self.own.total_investment, conversions).map(Decimal::rounded))
    }

    /// expectedRevenue / totalParticipants, won. Null where totalParticipants is 0.
    async fn revenue_per_participant(&self) -> Option<Decimal> {
        self.own.revenue_per_participant.map(Decimal::rounded)
    }
}
