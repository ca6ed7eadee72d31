//! Users: all of one's events in one view.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use service::{
    domain::{UserId, UserOverview},
    metrics,
};

use crate::{
    error::Fault,
    graphql::{
        channel::{ChannelGrouping, ChannelMetric, ChannelRanking, ranking_cost},
        context::loaders,
        event::{EventConnection, EventFilter, EventOrder, Paging, page_cost},
        global_id::GlobalId,
        leaf::Leaf,
        scalar::{Decimal, Long, TimeZone},
        timeline::{Comparison, Granularity, TimeRangeInput, Timeline, spec, timeline_cost},
    },
};

#[derive(Clone, Debug)]
pub(crate) struct UserAnalytics {
    id: UserId,
    /// The sums, where they are known already. Else they are read when the first of them is asked for: lists of events
    /// don't need them.
    overview: Option<Arc<UserOverview>>,
}

impl UserAnalytics {
    /// One whom the viewer may see.
    pub(crate) const fn of(id: UserId) -> Self {
        Self { id, overview: None }
    }

    async fn overview(&self, ctx: &Context<'_>) -> Result<Arc<UserOverview>, Fault> {
        match &self.overview {
            Some(overview) => Ok(Arc::clone(overview)),
            None => loaders(ctx).user(self.id.clone()).await,
        }
    }
}

impl From<Arc<UserOverview>> for UserAnalytics {
    fn from(overview: Arc<UserOverview>) -> Self {
        Self { id: overview.user_id.clone(), overview: Some(overview) }
    }
}

/// All of one user's events in sums. A user without events has zeros.
#[Object]
impl UserAnalytics {
    /// Opaque; `node(id:)` takes it.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::User(self.id.clone()).encode()
    }

    /// The user's id in the service that owns users.
    async fn user_id(&self) -> ID {
        ID(self.id.to_string())
    }

    /// How many events the user has.
    async fn event_count(&self, ctx: &Context<'_>) -> Result<Long, Fault> {
        Ok(self.overview(ctx).await?.event_count.into())
    }

    /// How many of them are ACTIVE.
    async fn active_event_count(&self, ctx: &Context<'_>) -> Result<Long, Fault> {
        Ok(self.overview(ctx).await?.active_event_count.into())
    }

    /// People who registered for any of them.
    async fn total_participants(&self, ctx: &Context<'_>) -> Result<Long, Fault> {
        Ok(self.overview(ctx).await?.total_participants.into())
    }

    /// Views of all of them.
    async fn total_views(&self, ctx: &Context<'_>) -> Result<Long, Fault> {
        Ok(self.overview(ctx).await?.total_views.into())
    }

    /// What was invested in all of them, won.
    async fn total_investment(&self, ctx: &Context<'_>) -> Result<Decimal, Fault> {
        Ok(Decimal::rounded(self.overview(ctx).await?.total_investment))
    }

    /// What all of them are expected to bring in, won.
    async fn expected_revenue(&self, ctx: &Context<'_>) -> Result<Decimal, Fault> {
        Ok(Decimal::rounded(self.overview(ctx).await?.expected_revenue))
    }

    /// (expectedRevenue − totalInvestment) / totalInvestment × 100 of the sums, percent; may be negative. Null where
    /// totalInvestment is 0.
    async fn roi(&self, ctx: &Context<'_>) -> Result<Option<Decimal>, Fault> {
        let overview = self.overview(ctx).await?;
        Ok(metrics::roi(overview.expected_revenue, overview.total_investment).map(Decimal::rounded))
    }

    /// The user's events.
    #[graphql(complexity = "page_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection with filter and order")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them.")] filter: Option<EventFilter>,
        #[graphql(desc = "Their order; the newest first where it is not given.")] order_by: Option<
            EventOrder,
        >,
        #[graphql(
            desc = "At most so many from the beginning or after `after`, 0 to 100; 20 where neither this nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many up to the end or before `before`, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<EventConnection, Fault> {
        let paging = Paging { order: order_by, first, after, last, before };
        EventConnection::read(ctx, Some(&self.id), filter, paging).await
    }

    /// Channels ranked over all of the user's events.
    #[graphql(complexity = "ranking_cost(top, child_complexity)")]
    async fn channel_ranking(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What channels are ranked by.", default_with = "ChannelMetric::Participants")]
        by: ChannelMetric,
        #[graphql(desc = "What a row stands for.", default_with = "ChannelGrouping::ChannelName")]
        group_by: ChannelGrouping,
        #[graphql(desc = "How many rows, 0 to 100; the rest is summed in `others`.", default = 10)] top: i32,
    ) -> Result<ChannelRanking, Fault> {
        let filter = service::read::EventFilter::default();
        ChannelRanking::read(ctx, Some(&self.id), by, group_by, filter, top).await
    }

    /// The course of all of the user's events together, in buckets of the time zone's calendar.
    #[graphql(complexity = "timeline_cost(granularity, range.as_ref(), child_complexity)")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The width of a bucket.", default_with = "Granularity::Day")]
        granularity: Granularity,
        #[graphql(
            desc = "From when to when; without it, from the first bucket with something in it to the last."
        )]
        range: Option<TimeRangeInput>,
        #[graphql(desc = "Whose calendar the buckets follow.", default_with = "TimeZone::UTC")]
        time_zone: TimeZone,
        #[graphql(desc = "Whether buckets in which nothing happened are there, with zeros.", default = true)]
        fill_gaps: bool,
        #[graphql(desc = "Another period to put beside.")] compare_to: Option<Comparison>,
    ) -> Result<Leaf<Timeline>, Fault> {
        let spec = spec(granularity, range, time_zone, fill_gaps, compare_to);
        Ok(Leaf(Timeline(loaders(ctx).user_timeline(self.id.clone(), spec).await?)))
    }
}
