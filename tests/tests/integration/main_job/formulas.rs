//! The metrics of an event, in plain code.

use rust_decimal::Decimal;

use crate::judge::reference::{Channel, Event, round};

/// None where the denominator is 0.
fn ratio(numerator: impl Into<Decimal>, denominator: impl Into<Decimal>, factor: i32) -> Option<Decimal> {
    let denominator = denominator.into();
    (!denominator.is_zero()).then(|| round(numerator.into() * Decimal::from(factor) / denominator))
}

fn percent(part: impl Into<Decimal>, whole: impl Into<Decimal>) -> Option<Decimal> {
    ratio(part, whole, 100)
}

fn per(cost: Decimal, count: i32) -> Option<Decimal> {
    ratio(cost, count, 1)
}

/// Names as in the API.
pub(super) type Metrics = Vec<(&'static str, Option<Decimal>)>;

pub(super) fn roi(event: &Event, channels: &[&Channel]) -> Metrics {
    let profit = event.revenue - event.investment;
    let conversions: i32 = channels.iter().map(|channel| channel.conversions).sum();
    vec![
        ("totalInvestment", Some(event.investment)),
        ("expectedRevenue", Some(event.revenue)),
        ("netProfit", Some(profit)),
        ("roi", percent(profit, event.investment)),
        ("estimatedRoi", Some(event.estimated_roi)),
        ("targetRoi", Some(event.target_roi)),
        ("targetAchievement", percent(event.estimated_roi, event.target_roi)),
        ("distributionCost", Some(channels.iter().map(|channel| channel.cost).sum())),
        ("costPerParticipant", per(event.investment, event.participants)),
        ("costPerConversion", per(event.investment, conversions)),
        ("revenuePerParticipant", per(event.revenue, event.participants)),
    ]
}

pub(super) fn channel(channel: &Channel, event: &Event) -> Metrics {
    let engagement = channel.likes + channel.comments + channel.shares;
    vec![
        ("distributionCost", Some(channel.cost)),
        ("clickThroughRate", percent(channel.clicks, channel.impressions)),
        ("viewRate", percent(channel.views, channel.impressions)),
        ("engagementRate", percent(engagement, channel.views)),
        ("conversionRate", percent(channel.conversions, channel.clicks)),
        ("participationRate", percent(channel.participants, channel.views)),
        ("callCompletionRate", percent(channel.completed_calls, channel.total_calls)),
        ("costPerView", per(channel.cost, channel.views)),
        ("costPerClick", per(channel.cost, channel.clicks)),
        ("costPerParticipant", per(channel.cost, channel.participants)),
        ("costPerConversion", per(channel.cost, channel.conversions)),
        ("cpm", ratio(channel.cost, channel.impressions, 1000)),
        ("participantShare", percent(channel.participants, event.participants)),
    ]
}

/// Count, percent of the step before, percent of the first step.
pub(super) type Step = (i64, Option<Decimal>, Option<Decimal>);

/// Impressions, views, clicks, participants, conversions.
pub(super) fn funnel(channels: &[&Channel]) -> [Step; 5] {
    let sum = |of: fn(&Channel) -> i32| channels.iter().map(|channel| i64::from(of(channel))).sum::<i64>();
    let counts = [
        sum(|channel| channel.impressions),
        sum(|channel| channel.views),
        sum(|channel| channel.clicks),
        sum(|channel| channel.participants),
        sum(|channel| channel.conversions),
    ];
    let mut steps = counts.map(|count| (count, None, percent(count, counts[0])));
    for (step, pair) in steps.iter_mut().skip(1).zip(counts.windows(2)) {
        step.1 = percent(pair[1], pair[0]);
    }
    steps
}

/// All the events of one user.
pub(super) fn user_roi(events: &[&Event]) -> Option<Decimal> {
    let investment: Decimal = events.iter().map(|event| event.investment).sum();
    let revenue: Decimal = events.iter().map(|event| event.revenue).sum();
    percent(revenue - investment, investment)
}
