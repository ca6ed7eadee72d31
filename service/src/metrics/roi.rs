use rust_decimal::Decimal;

use super::formulas;
use crate::domain::Event;

/// The return on an event's investment. Not rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roi {
    /// Won.
    pub total_investment: Decimal,
    /// Won.
    pub expected_revenue: Decimal,
    /// Won, may be negative.
    pub net_profit: Decimal,
    /// Percent, may be negative.
    pub roi: Option<Decimal>,
    /// Percent.
    pub estimated_roi: Decimal,
    /// Percent.
    pub target_roi: Decimal,
    /// Percent.
    pub target_achievement: Option<Decimal>,
    /// Won, the sum over the event's channels.
    pub distribution_cost: Decimal,
    /// Won of the whole investment.
    pub cost_per_participant: Option<Decimal>,
    /// Won of the whole investment.
    pub cost_per_conversion: Option<Decimal>,
    /// Won.
    pub revenue_per_participant: Option<Decimal>,
}

impl Roi {
    /// Computes it from the event and from its channels' sums: what distribution cost, in won, and conversions.
    #[must_use]
    pub fn of(event: &Event, distribution_cost: Decimal, conversions: i64) -> Self {
        let Event {
            total_investment, expected_revenue, estimated_roi, target_roi, total_participants, ..
        } = *event;
        Self {
            total_investment,
            expected_revenue,
            net_profit: formulas::net_profit(expected_revenue, total_investment).unwrap_or_default(),
            roi: formulas::roi(expected_revenue, total_investment),
            estimated_roi,
            target_roi,
            target_achievement: formulas::target_achievement(estimated_roi, target_roi),
            distribution_cost,
            cost_per_participant: formulas::cost_per_participant(total_investment, total_participants),
            cost_per_conversion: formulas::cost_per_conversion(total_investment, conversions),
            revenue_per_participant: formulas::revenue_per_participant(expected_revenue, total_participants),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::{super::round2, *};
    use crate::domain::{EventId, EventStatus, UserId};

    fn event(total_participants: i32, target_roi: &str) -> Event {
        Event {
            event_id: EventId::trusted("evt-0001"),
            title: "새해 경품 이벤트".to_owned(),
            user_id: UserId::trusted("user-01"),
            total_participants,
            total_views: 0,
            estimated_roi: "180.00".parse().unwrap(),
            target_roi: target_roi.parse().unwrap(),
            sales_growth_rate: Decimal::ZERO,
            total_investment: "1500000.00".parse().unwrap(),
            expected_revenue: "4200000.00".parse().unwrap(),
            status: EventStatus::Active,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            revision: 1,
        }
    }

    #[test]
    fn costs_are_of_the_whole_investment() {
        let roi = Roi::of(&event(700, "150.00"), "620000.00".parse().unwrap(), 40);
        let shown = |value: Option<Decimal>| value.map(|value| round2(value).to_string());
        assert_eq!(round2(roi.net_profit).to_string(), "2700000.00");
        assert_eq!(shown(roi.roi).as_deref(), Some("180.00"));
        assert_eq!(shown(roi.target_achievement).as_deref(), Some("120.00"));
        assert_eq!(roi.distribution_cost.to_string(), "620000.00");
        assert_eq!(shown(roi.cost_per_participant).as_deref(), Some("2142.86"));
        assert_eq!(shown(roi.cost_per_conversion).as_deref(), Some("37500.00"));
        assert_eq!(shown(roi.revenue_per_participant).as_deref(), Some("6000.00"));
    }

    #[test]
    fn nobody_and_no_target_leave_nulls() {
        let roi = Roi::of(&event(0, "0.00"), Decimal::ZERO, 0);
        assert_eq!(roi.target_achievement, None);
        assert_eq!(
            (roi.cost_per_participant, roi.cost_per_conversion, roi.revenue_per_participant),
            (None, None, None)
        );
    }
}
