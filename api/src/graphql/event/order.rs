use std::cmp::Ordering;

use async_graphql::{Enum, InputObject};

/// Which way a list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::read::SortDirection")]
pub(crate) enum SortDirection {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

impl SortDirection {
    /// What has no value comes last either way.
    pub(crate) fn order<T: Ord>(self, left: Option<T>, right: Option<T>) -> Ordering {
        match (left, right) {
            (Some(left), Some(right)) if self == Self::Desc => right.cmp(&left),
            (Some(left), Some(right)) => left.cmp(&right),
            (left, right) => left.is_none().cmp(&right.is_none()),
        }
    }
}

/// What events can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::read::EventOrderField")]
pub(crate) enum EventOrderField {
    /// Creation.
    CreatedAt,
    /// The latest change of the statistics.
    UpdatedAt,
    /// The title, by Unicode code points.
    Title,
    /// totalParticipants.
    Participants,
    /// totalViews.
    Views,
    /// ROI; events without one come last.
    Roi,
    /// The estimated ROI.
    EstimatedRoi,
    /// The investment.
    TotalInvestment,
    /// The expected revenue.
    ExpectedRevenue,
}

/// The order of a list of events. Ties are broken by the event's id, so that pages never overlap.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct EventOrder {
    /// By what.
    #[graphql(default_with = "EventOrderField::CreatedAt")]
    field: EventOrderField,
    /// Which way.
    #[graphql(default_with = "SortDirection::Desc")]
    direction: SortDirection,
}

impl From<Option<EventOrder>> for Order {
    fn from(order: Option<EventOrder>) -> Self {
        let (field, direction) = order.map_or((EventOrderField::CreatedAt, SortDirection::Desc), |order| {
            (order.field, order.direction)
        });
        Self(service::read::EventOrder { field: field.into(), direction: direction.into() })
    }
}

/// The order with its defaults filled in.
pub(crate) struct Order(pub(crate) service::read::EventOrder);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_last_either_way() {
        for direction in [SortDirection::Asc, SortDirection::Desc] {
            assert_eq!(direction.order(Some(1), None), Ordering::Less);
            assert_eq!(direction.order::<i32>(None, None), Ordering::Equal);
        }
        assert_eq!(SortDirection::Asc.order(Some(1), Some(2)), Ordering::Less);
        assert_eq!(SortDirection::Desc.order(Some(1), Some(2)), Ordering::Greater);
    }
}
