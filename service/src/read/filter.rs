use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use entity::{channel_stats, event_stats};
use rust_decimal::Decimal;
use sea_orm::{
    ColumnTrait, Condition, Value,
    sea_query::{Alias, Expr, Query, SimpleExpr},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::entry::texts;
use crate::domain::{ChannelType, EventId, EventStatus, UserId, Viewer};

/// Bytes of a filter's hash in a cursor. Cursors are signed: this only has to keep mistakes apart.
const FINGERPRINT: usize = 9;

/// Which events. Every part that is given must hold; an empty list holds for none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
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
    /// The same among the events of `owner`: where the filter names somebody else, there are none.
    #[must_use]
    pub fn of(&self, owner: &UserId) -> Self {
        let mut filter = self.clone();
        if filter.user_id.replace(owner.clone()).is_some_and(|named| named != *owner) {
            filter.event_ids = Some(Vec::new());
        }
        filter
    }

    /// Tells lists of events apart: filters that select the same by the same words have the same.
    pub(super) fn fingerprint(&self) -> String {
        fn sort<T: Ord>(list: &mut Option<Vec<T>>) {
            if let Some(list) = list {
                list.sort_unstable();
                list.dedup();
            }
        }
        let mut filter = self.clone();
        sort(&mut filter.event_ids);
        sort(&mut filter.status);
        sort(&mut filter.channel_type);
        filter.min_roi = filter.min_roi.map(|percent| percent.normalize());
        let hash = Sha256::digest(serde_json::to_vec(&filter).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(&hash[..FINGERPRINT])
    }

    /// The condition on `event_stats`: described, the viewer's, and as asked for.
    pub(super) fn condition(&self, viewer: &Viewer) -> Condition {
        use event_stats::Column;
        // Not as a parameter: where all events are one user's, PostgreSQL would plan for none that are another's.
        let mut all = Condition::all().add(Expr::cust("event_stats.user_id <> ''"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_what_is_selected() {
        let filter = |status: &[EventStatus], roi: &str| EventFilter {
            status: Some(status.to_vec()),
            min_roi: Some(roi.parse().unwrap()),
            ..EventFilter::default()
        };
        let print = filter(&[EventStatus::Active, EventStatus::Ended], "1.50").fingerprint();
        assert_eq!(
            filter(&[EventStatus::Ended, EventStatus::Active, EventStatus::Ended], "1.5").fingerprint(),
            print
        );
        assert_ne!(filter(&[EventStatus::Ended], "1.5").fingerprint(), print);
        let of = |owner: &str| EventFilter::default().of(&UserId::trusted(owner)).fingerprint();
        assert_ne!(of("user-01"), of("user-02"));
        assert_ne!(of("user-01"), EventFilter::default().fingerprint());
    }

    #[test]
    fn nobody_has_events_of_somebody_else() {
        let owner = UserId::trusted("user-01");
        let named = EventFilter { user_id: Some(UserId::trusted("user-02")), ..EventFilter::default() };
        assert_eq!(named.of(&owner).event_ids, Some(Vec::new()));
        assert_eq!(EventFilter::default().of(&owner).event_ids, None);
    }
}
