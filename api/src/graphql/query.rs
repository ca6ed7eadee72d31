use async_graphql::{Context, ID, Object};
use futures_util::future::join_all;

use super::{
    channel::{ChannelGrouping, ChannelMetric, ChannelRanking, ranking_cost},
    context::loaders,
    event::{EventAnalytics, EventConnection, EventFilter, EventOrder, Paging, page_cost, read_with},
    faults,
    leaf::Branch,
    metric::Metric,
    node::Node,
    rate_limit::RateLimit,
    user::UserAnalytics,
};
use crate::{budget::Charge, error::Fault};

/// The most ids that `nodes` takes.
const MAX_NODES: usize = 100;

pub(crate) struct Query;

/// Where reading begins.
#[Object]
impl Query {
    /// Whatever has this id. Null where it is unknown or not the caller's.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An `id` from an answer.")] id: ID,
    ) -> Result<Option<Node>, Fault> {
        Node::find(&loaders(ctx), "id", &id, read_with(&[ctx.look_ahead()])).await
    }

    /// Whatever has these ids, in their order. Null in the place of one that is unknown or not the caller's.
    #[graphql(complexity = "1 + ids.len().clamp(1, MAX_NODES) * child_complexity")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Up to 100 times an `id` from an answer.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Result<Node, Fault>>>, Fault> {
        if ids.len() > MAX_NODES {
            return Err(Fault::input(
                "ids",
                format!("holds {} ids; at most {MAX_NODES} are allowed", ids.len()),
            ));
        }
        let (loaders, with) = (loaders(ctx), read_with(&[ctx.look_ahead()]));
        let found = join_all(ids.iter().map(|id| Node::find(&loaders, "ids", id, with))).await;
        Ok(found.into_iter().map(Result::transpose).collect())
    }

    /// One event. Null where it is unknown, not described yet, or not the caller's.
    async fn event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's id in the service that owns events, 1 to 36 characters.")] event_id: ID,
    ) -> Result<Option<Branch<EventAnalytics>>, Fault> {
        let id = faults::event_id("eventId", &event_id)?;
        Ok(loaders(ctx).event(id, read_with(&[ctx.look_ahead()])).await?.map(EventAnalytics).map(Branch))
    }

    /// The events that the caller may see.
    /// ```graphql
    /// query BestActiveEvents { events(first: 5, filter: { status: [ACTIVE] }, orderBy: { field: ROI }) {
    /// nodes { id title roi { roi } } pageInfo { hasNextPage endCursor } } }
    /// ```
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
        EventConnection::read(ctx, None, filter, paging).await
    }

    /// All of one user's events in one view. Callers without the admin role see only themselves.
    /// ```graphql
    /// query OneUser { user(userId: "user-01") { id eventCount totalParticipants roi } }
    /// ```
    #[expect(clippy::unused_async, reason = "resolvers are async")]
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's id in the service that owns users, 1 to 36 characters.")] user_id: ID,
    ) -> Result<Option<UserAnalytics>, Fault> {
        let id = faults::user_id("userId", &user_id)?;
        if !loaders(ctx).reader().viewer.may_see(&id) {
            return Err(faults::forbidden());
        }
        Ok(Some(UserAnalytics::of(id)))
    }

    /// The user of the caller's token. Null where authentication is off.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<UserAnalytics> {
        loaders(ctx).reader().viewer.user().cloned().map(UserAnalytics::of)
    }

    /// Channels ranked over all the events that the filter selects.
    /// ```graphql
    /// query MostClicked { channelRanking(by: CLICK_THROUGH_RATE, filter: { channelType: [SNS] }, top: 3) {
    /// rows { key value } others { value } } }
    /// ```
    #[graphql(complexity = "ranking_cost(top, child_complexity)")]
    async fn channel_ranking(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What channels are ranked by.", default_with = "ChannelMetric::Participants")]
        by: ChannelMetric,
        #[graphql(desc = "What a row stands for.", default_with = "ChannelGrouping::ChannelName")]
        group_by: ChannelGrouping,
        #[graphql(desc = "Over which events.")] filter: Option<EventFilter>,
        #[graphql(desc = "How many rows, 0 to 100; the rest is summed in `others`.", default = 10)] top: i32,
    ) -> Result<ChannelRanking, Fault> {
        ChannelRanking::read(ctx, None, by, group_by, EventFilter::read(filter)?, top).await
    }

    /// The catalogue of computed metrics: formula, unit, and when there is no value.
    #[graphql(complexity = "1 + Metric::catalogue().len() * child_complexity")]
    async fn metrics(&self) -> Vec<Metric> {
        Metric::catalogue()
    }

    /// Cost of this operation and what is left of the caller's budget.
    async fn rate_limit(&self, ctx: &Context<'_>) -> Option<RateLimit> {
        loaders(ctx).reader().provenance().holds_never();
        ctx.data_opt::<Charge>().copied().map(Into::into)
    }
}
