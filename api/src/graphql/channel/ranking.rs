use async_graphql::{Context, SimpleObject};
use service::{
    domain::UserId,
    metrics::{Ranking, RankingRow},
    read::{EventFilter, RankingQuery},
};

use super::{ChannelGrouping, ChannelMetric, ChannelType};
use crate::{
    error::Fault,
    graphql::{
        context::loaders,
        leaf::{Row, Table},
        scalar::{Decimal, Long},
    },
};

/// The most rows of a ranking.
const MAX_TOP: i32 = 100;

/// The cost of a ranking: its children times as many as it may hold.
pub(crate) fn ranking_cost(top: i32, child_complexity: usize) -> usize {
    usize::try_from(top.clamp(1, MAX_TOP)).unwrap_or(1).saturating_mul(child_complexity).saturating_add(1)
}

/// Channels over many events, the best first: the one with the largest value, for a cost per something the smallest.
/// What has no value comes last; ties are ordered by key.
#[derive(SimpleObject)]
pub(crate) struct ChannelRanking {
    /// The best, at most `top`.
    rows: Table<ChannelRankingRow>,
    /// The sums over all others, its value computed from them. Null where no others remain.
    others: Option<ChannelRankingRow>,
}

/// Sums over the channels of one name or type.
#[derive(SimpleObject)]
pub(crate) struct ChannelRankingRow {
    /// The name or the type; `others` for the sums over all others.
    key: String,
    /// The type that all channels of the row have; null where they differ.
    channel_type: Option<ChannelType>,
    /// How many events have such a channel; for the others, the sum of their rows.
    events: Long,
    /// What the rows are ranked by, computed from the sums. Null where its denominator is 0.
    value: Option<Decimal>,
    /// Times shown.
    impressions: Long,
    /// Times viewed.
    views: Long,
    /// Clicks.
    clicks: Long,
    /// People who registered.
    participants: Long,
    /// Conversions.
    conversions: Long,
    /// What distribution costs, won.
    distribution_cost: Decimal,
}

impl Row for ChannelRankingRow {
    const AT_HAND: &'static [&'static str] = &[
        "key",
        "channelType",
        "events",
        "value",
        "impressions",
        "views",
        "clicks",
        "participants",
        "conversions",
        "distributionCost",
    ];
}

impl ChannelRanking {
    /// Over all events that the filter selects, or over one user's.
    pub(crate) async fn read(
        ctx: &Context<'_>,
        owner: Option<&UserId>,
        by: ChannelMetric,
        group_by: ChannelGrouping,
        filter: EventFilter,
        top: i32,
    ) -> Result<Self, Fault> {
        let top = usize::try_from(top)
            .ok()
            .filter(|_| top <= MAX_TOP)
            .ok_or_else(|| Fault::input("top", format!("is {top}; 0 to {MAX_TOP} are allowed")))?;
        let query = RankingQuery { by: by.into(), group_by: group_by.into(), filter, top };
        let loaders = loaders(ctx);
        if let Some(owner) = owner {
            return loaders.ranking(owner.clone(), query).await.map(|ranking| Self::from(&*ranking));
        }
        let reader = loaders.reader();
        let ranking = reader.reads_list(&query.filter).channel_ranking(&reader.viewer, &query).await;
        ranking.map(|ranking| Self::from(&ranking)).map_err(|error| reader.reporter.service(&error))
    }
}

impl From<&Ranking> for ChannelRanking {
    fn from(ranking: &Ranking) -> Self {
        Self {
            rows: Table(ranking.rows.iter().map(Into::into).collect()),
            others: ranking.others.as_ref().map(Into::into),
        }
    }
}

impl From<&RankingRow> for ChannelRankingRow {
    fn from(row: &RankingRow) -> Self {
        Self {
            key: row.group.key.clone(),
            channel_type: row.group.channel_type.map(Into::into),
            events: row.group.events.into(),
            value: row.value.map(Decimal::rounded),
            impressions: row.group.sums.impressions.into(),
            views: row.group.sums.views.into(),
            clicks: row.group.sums.clicks.into(),
            participants: row.group.sums.participants.into(),
            conversions: row.group.sums.conversions.into(),
            distribution_cost: Decimal::rounded(row.group.sums.distribution_cost),
        }
    }
}
