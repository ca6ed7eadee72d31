use std::collections::HashMap;

use entity::{channel_stats, event_stats};
use rust_decimal::Decimal;
use sea_orm::{
    EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect, RelationDef, sea_query::Expr,
};

use super::{EventFilter, page::owned_by};
use crate::{
    Error, Service,
    domain::{ChannelType, UserId, Viewer},
    metrics::{ChannelGroup, ChannelMetric, ChannelSums, Ranking},
};

/// What one row of a ranking stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelGrouping {
    /// All channels of one name.
    ChannelName,
    /// All channels of one type.
    ChannelType,
}

/// Which ranking is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RankingQuery {
    /// By what.
    pub by: ChannelMetric,
    /// Of what.
    pub group_by: ChannelGrouping,
    /// Over which events; all of an event's channels count.
    pub filter: EventFilter,
    /// How many rows; the rest is summed.
    pub top: usize,
}

#[derive(FromQueryResult)]
struct Row {
    owner: String,
    key: String,
    first_type: String,
    last_type: String,
    events: i64,
    impressions: i64,
    views: i64,
    clicks: i64,
    participants: i64,
    conversions: i64,
    engagement: i64,
    distribution_cost: Decimal,
}

impl From<Row> for ChannelGroup {
    fn from(row: Row) -> Self {
        Self {
            channel_type: ChannelType::parse(&row.first_type).filter(|_| row.first_type == row.last_type),
            key: row.key,
            events: row.events,
            sums: ChannelSums {
                impressions: row.impressions,
                views: row.views,
                clicks: row.clicks,
                participants: row.participants,
                conversions: row.conversions,
                engagement: row.engagement,
                distribution_cost: row.distribution_cost,
            },
        }
    }
}

/// The columns of a [`Row`].
const SUMS: [(&str, &str); 10] = [
    ("first_type", "min(channel_stats.channel_type)"),
    ("last_type", "max(channel_stats.channel_type)"),
    ("events", "count(DISTINCT channel_stats.event_id)"),
    ("impressions", "sum(channel_stats.impressions)"),
    ("views", "sum(channel_stats.views)"),
    ("clicks", "sum(channel_stats.clicks)"),
    ("participants", "sum(channel_stats.participants)"),
    ("conversions", "sum(channel_stats.conversions)"),
    (
        "engagement",
        "sum(channel_stats.likes::bigint + channel_stats.comments + channel_stats.shares)::bigint",
    ),
    ("distribution_cost", "sum(channel_stats.distribution_cost)"),
];

impl Service {
    /// Ranks the channels of the events that the filter selects and the viewer may see.
    ///
    /// # Errors
    /// What the database says.
    pub async fn channel_ranking(&self, viewer: &Viewer, query: &RankingQuery) -> Result<Ranking, Error> {
        let rows = self.ranked(viewer, query, None).await?;
        Ok(Ranking::of(rows.into_iter().map(ChannelGroup::from).collect(), query.by, query.top))
    }

    /// The same for each of these users' events.
    ///
    /// # Errors
    /// What the database says.
    pub async fn user_rankings(
        &self,
        viewer: &Viewer,
        users: &[UserId],
        query: &RankingQuery,
    ) -> Result<HashMap<UserId, Ranking>, Error> {
        let mut groups: HashMap<String, Vec<ChannelGroup>> = HashMap::new();
        for row in self.ranked(viewer, query, Some(users)).await? {
            groups.entry(row.owner.clone()).or_default().push(row.into());
        }
        let ranking = |user: &UserId| {
            let groups = groups.remove(user.as_str()).unwrap_or_default();
            (user.clone(), Ranking::of(groups, query.by, query.top))
        };
        Ok(users.iter().map(ranking).collect())
    }

    /// The sums of each group: over all events, or over each user's own.
    async fn ranked(
        &self,
        viewer: &Viewer,
        query: &RankingQuery,
        users: Option<&[UserId]>,
    ) -> Result<Vec<Row>, Error> {
        let key = match query.group_by {
            ChannelGrouping::ChannelName => "channel_stats.channel_name",
            ChannelGrouping::ChannelType => "channel_stats.channel_type",
        };
        let of_event: RelationDef = channel_stats::Entity::belongs_to(event_stats::Entity)
            .from(channel_stats::Column::EventId)
            .to(event_stats::Column::EventId)
            .into();
        let owner = if users.is_some() { "event_stats.user_id" } else { "''" };
        let mut select = channel_stats::Entity::find()
            .select_only()
            .expr_as(Expr::cust(owner), "owner")
            .expr_as(Expr::cust(key), "key");
        for (name, sum) in SUMS {
            select = select.expr_as(Expr::cust(sum), name);
        }
        select = select
            .join(JoinType::InnerJoin, of_event)
            .filter(query.filter.condition(viewer))
            .group_by(Expr::cust(key));
        if let Some(users) = users {
            select = select.filter(owned_by(users)).group_by(Expr::cust(owner));
        }
        Ok(select.into_model::<Row>().all(self.readers()).await?)
    }
}
