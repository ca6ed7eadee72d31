use chrono::{DateTime, Utc};
use entity::{channel_stats, event_stats};
use rust_decimal::Decimal;
use sea_orm::{
    ColumnTrait, Condition, Value,
    sea_query::{Alias, Expr, Query, SimpleExpr},
};
use serde::{Deserialize, Serialize};

use super::entry::texts;
use crate::domain::{ChannelType, EventId, EventStatus, UserId, Viewer};

/// Which events. Every part that is given must hold; an empty list holds for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventFilter {
    /// Of this owner.
    pub user_id: Option<UserId>,
    /// Among these.
    pub event_ids: Option<Vec<EventId>>,
    /// In one of these states.
    pub status: Option<Vec<EventStatus>>,
    /// With this text in the title, in upper or lower case.
    pub title_contains: Option<String>,
    /// Created at or after this.
    pub created_from: Option<DateTime<Utc>>,
    /// Created before this.
    pub created_to: Option<DateTime<Utc>>,
    /// With a channel of one of these types.
    pub channel_type: Option<Vec<ChannelType>>,
    /// With at least so many participants.
    pub min_participants: Option<i32>,
    /// With at least this ROI, percent; an event without one is left out.
    pub min_roi: Option<Decimal>,
}

/// What events are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventOrderField {
    /// Creation.
    CreatedAt,
    /// Last change.
    UpdatedAt,
    /// Title, by Unicode code points.
    Title,
    /// Participants.
    Participants,
    /// Views.
    Views,
    /// ROI; events without one come last.
    Roi,
    /// Estimated ROI.
    EstimatedRoi,
    /// Investment.
    TotalInvestment,
    /// Revenue.
    ExpectedRevenue,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SortDirection {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// An order of events. Ties are broken by the event's id, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventOrder {
    /// By what.
    pub field: EventOrderField,
    /// Which way.
    pub direction: SortDirection,
}

/// `(expected_revenue − total_investment) / total_investment × 100`, null where nothing was invested.
const ROI: &str = "((event_stats.expected_revenue - event_stats.total_investment) * 100 \
                   / nullif(event_stats.total_investment, 0))";

impl EventOrderField {
    /// The expression and its type.
    pub(super) const fn sql(self) -> (&'static str, &'static str) {
        match self {
            Self::CreatedAt => ("event_stats.created_at", "timestamp"),
            Self::UpdatedAt => ("event_stats.updated_at", "timestamp"),
            Self::Title => ("event_stats.event_title COLLATE \"C\"", "text"),
            Self::Participants => ("event_stats.total_participants", "integer"),
            Self::Views => ("event_stats.total_views", "integer"),
            Self::Roi => (ROI, "numeric"),
            Self::EstimatedRoi => ("event_stats.estimated_roi", "numeric"),
            Self::TotalInvestment => ("event_stats.total_investment", "numeric"),
            Self::ExpectedRevenue => ("event_stats.expected_revenue", "numeric"),
        }
    }

    pub(super) const fn nullable(self) -> bool {
        matches!(self, Self::Roi)
    }
}

impl EventFilter {
    /// The condition on `event_stats`: described, the viewer's, and as asked for.
    pub(super) fn condition(&self, viewer: &Viewer) -> Condition {
        use event_stats::Column;
        let mut all = Condition::all().add(Column::UserId.ne(""));
        if let Some(owner) = viewer.scope() {
            all = all.add(Column::UserId.eq(owner.as_str()));
        }
        if let Some(user) = &self.user_id {
            all = all.add(Column::UserId.eq(user.as_str()));
        }
        if let Some(ids) = &self.event_ids {
            all = all.add(any("event_stats.event_id", texts(ids.iter().map(EventId::as_str))));
        }
        if let Some(status) = &self.status {
            all = all.add(any("event_stats.status", texts(status.iter().map(|status| status.as_str()))));
        }
        if let Some(text) = &self.title_contains {
            let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            all =
                all.add(Expr::cust_with_values("event_stats.event_title ILIKE $1", [format!("%{escaped}%")]));
        }
        if let Some(from) = self.created_from {
            all = all.add(Column::CreatedAt.gte(from.naive_utc()));
        }
        if let Some(to) = self.created_to {
            all = all.add(Column::CreatedAt.lt(to.naive_utc()));
        }
        if let Some(types) = &self.channel_type {
            let with_type = Query::select()
                .expr(Expr::val(1))
                .from_as(channel_stats::Entity, Alias::new("typed"))
                .and_where(Expr::cust("typed.event_id = event_stats.event_id"))
                .and_where(any("typed.channel_type", texts(types.iter().map(|kind| kind.as_str()))))
                .to_owned();
            all = all.add(Expr::exists(with_type));
        }
        if let Some(least) = self.min_participants {
            all = all.add(Column::TotalParticipants.gte(least));
        }
        if let Some(least) = self.min_roi {
            // Multiplied out, so that no division rounds an event in or out.
            all = all.add(Column::TotalInvestment.gt(0)).add(Expr::cust_with_values(
                "(event_stats.expected_revenue - event_stats.total_investment) * 100 >= $1 * event_stats.total_investment",
                [least],
            ));
        }
        all
    }
}

/// `column = ANY(values)`
pub(super) fn any(column: &'static str, values: Value) -> SimpleExpr {
    Expr::cust_with_values(format!("{column} = ANY($1)"), [values])
}
