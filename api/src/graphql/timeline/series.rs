use std::sync::Arc;

use async_graphql::{Context, Enum, Object, SimpleObject};
use service::metrics;

use super::{Granularity, TimelinePoint, point::TimelineTotals};
use crate::graphql::{
    context::loaders,
    leaf::{Leaf, Table},
    scalar::{DateTime, Decimal, TimeZone},
};

pub(crate) struct Timeline(pub(crate) Arc<service::read::Timeline>);

impl Timeline {
    fn point(&self, index: usize) -> Option<TimelinePoint> {
        let compared =
            self.0.comparison.as_ref().and_then(|other| other.buckets.get(index).copied().flatten());
        self.0.buckets.get(index).map(|bucket| TimelinePoint::of(bucket, self.0.now, compared))
    }
}

/// A course over time.
#[Object]
impl Timeline {
    /// The width of its buckets.
    async fn granularity(&self) -> Granularity {
        self.0.window.granularity().into()
    }

    /// Whose calendar the buckets follow.
    async fn time_zone(&self) -> TimeZone {
        TimeZone(self.0.window.zone())
    }

    /// The first instant of the first bucket.
    async fn from(&self) -> DateTime {
        self.0.window.from().into()
    }

    /// The first instant after the last bucket.
    async fn to(&self) -> DateTime {
        self.0.window.to().into()
    }

    /// The buckets in their order.
    async fn points(&self) -> Table<TimelinePoint> {
        Table((0..self.0.buckets.len()).filter_map(|index| self.point(index)).collect())
    }

    /// The sums over all buckets.
    async fn totals(&self) -> Leaf<TimelineTotals> {
        Leaf(self.0.totals.into())
    }

    /// The other period's totals and the change. Null where `compareTo` was not given.
    async fn comparison(&self) -> Option<TimelineComparison> {
        let other = self.0.comparison.as_ref()?;
        let (ours, theirs) = (self.0.totals, other.totals);
        Some(TimelineComparison {
            from: other.from.into(),
            to: other.to.into(),
            totals: theirs.into(),
            participants_change: metrics::participants_change(ours.participants, theirs.participants)
                .map(Decimal::rounded),
            views_change: metrics::views_change(ours.views, theirs.views).map(Decimal::rounded),
            engagement_change: metrics::engagement_change(ours.engagement, theirs.engagement)
                .map(Decimal::rounded),
            conversions_change: metrics::conversions_change(ours.conversions, theirs.conversions)
                .map(Decimal::rounded),
        })
    }

    /// Where participation is going.
    async fn trend(&self) -> Trend {
        let trend = self.0.trend;
        let peak = trend.peak.and_then(|peak| {
            let index = self.0.buckets.iter().position(|bucket| bucket.start == peak.start)?;
            self.point(index)
        });
        Trend {
            direction: trend.direction.into(),
            growth_rate: trend.growth_rate.map(Decimal::rounded),
            peak,
        }
    }

    /// Give it to `timelineUpdated(after:)`, with the same other arguments, to go on from exactly here. Empty for the
    /// timeline of a user, which has no stream.
    async fn cursor(&self, ctx: &Context<'_>) -> String {
        let Some(cursor) = self.0.cursor() else { return String::new() };
        loaders(ctx).reader().tells_a_cursor_of(self.0.now);
        cursor
    }
}

/// The compared period, and how this one differs from it.
#[derive(SimpleObject)]
pub(crate) struct TimelineComparison {
    /// The first instant of the compared period.
    from: DateTime,
    /// The first instant after the compared period.
    to: DateTime,
    /// The sums over the compared period.
    totals: TimelineTotals,
    /// (participants − those compared) / those compared × 100, percent. Null where there were none to compare.
    participants_change: Option<Decimal>,
    /// (views − those compared) / those compared × 100, percent. Null where there were none to compare.
    views_change: Option<Decimal>,
    /// (engagement − that compared) / that compared × 100, percent. Null where there was none to compare.
    engagement_change: Option<Decimal>,
    /// (conversions − those compared) / those compared × 100, percent. Null where there were none to compare.
    conversions_change: Option<Decimal>,
}

/// Where participation is going, over the buckets that are over: the later half against the earlier one, an odd one in
/// the middle left out.
#[derive(SimpleObject)]
pub(crate) struct Trend {
    /// Up, down or neither.
    direction: TrendDirection,
    /// (later half − earlier half) / earlier half × 100 of participants, percent. Null where the earlier half has none
    /// or fewer than two buckets are over.
    growth_rate: Option<Decimal>,
    /// The bucket with the most participants, the earliest of several. Null where no bucket has any.
    peak: Option<TimelinePoint>,
}

/// Where a course is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::timeline::TrendDirection")]
pub(crate) enum TrendDirection {
    /// By more than 5 % up, or from nothing to something.
    Rising,
    /// By more than 5 % down.
    Falling,
    /// By at most 5 %, either way.
    Stable,
    /// Fewer than two buckets are over.
    Unknown,
}
