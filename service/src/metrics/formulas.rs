//! Every formula, once. Each entry makes both the function that computes the metric and its line in [`catalogue`], and
//! the texts of the formula and of its null rule are the very expression that is computed.

use rust_decimal::Decimal;

use super::number::{Checked, ratio};

/// What a metric is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Hundredths.
    Percent,
    /// Korean won.
    Won,
    /// A number of things.
    Count,
}

impl Unit {
    /// The unit's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Won => "won",
            Self::Count => "count",
        }
    }
}

/// A line of the catalogue of metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name of its field in GraphQL.
    pub name: String,
    /// What it tells.
    pub description: &'static str,
    /// How it is computed, from other fields.
    pub formula: String,
    /// What it is measured in.
    pub unit: Unit,
    /// When there is no value; `None` where there always is one.
    pub null_when: Option<String>,
}

/// `snake_case` names within a text as the fields of GraphQL write them, and signs as people do.
fn shown(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut raise = false;
    for character in source.chars() {
        match character {
            '_' => raise = true,
            '*' => text.push('×'),
            '-' => text.push('−'),
            other if raise => {
                text.extend(other.to_uppercase());
                raise = false;
            }
            other => text.push(other),
        }
    }
    text
}

macro_rules! entry {
    ($name:ident, $description:expr, $unit:ident, $formula:expr, $null_when:expr) => {
        Metric {
            name: shown(stringify!($name)),
            description: $description.trim_ascii(),
            formula: $formula,
            unit: Unit::$unit,
            null_when: $null_when,
        }
    };
}

/// `name(inputs) = (numerator) / (denominator) * factor` is null where the denominator is 0;
/// `name(inputs) = (sum)` never is.
macro_rules! formulas {
    ($(
        #[doc = $description:literal]
        $unit:ident $name:ident($($input:ident),+) = $numerator:tt $(/ $denominator:ident)? $(* $factor:literal)?;
    )+) => {
        $(formulas!(@function $description, $name, [$($input),+], $numerator, [$($denominator)?], [$($factor)?]);)+

        /// All metrics that are computed, with the text of what their functions do.
        #[must_use]
        pub fn catalogue() -> Vec<Metric> {
            vec![$(formulas!(@entry $description, $unit, $name, $numerator, [$($denominator)?], [$($factor)?])),+]
        }
    };

    (@function $description:literal, $name:ident, [$($input:ident),+], $numerator:tt, [$denominator:ident], [$($factor:literal)?]) => {
        #[doc = $description]
        ///
        /// `None` where the denominator is 0. Not rounded.
        #[must_use]
        pub fn $name($($input: impl Into<Decimal>),+) -> Option<Decimal> {
            $(let $input = Checked(Some($input.into()));)+
            ratio($numerator, $denominator, formulas!(@factor $($factor)?))
        }
    };
    (@function $description:literal, $name:ident, [$($input:ident),+], $sum:tt, [], []) => {
        #[doc = $description]
        ///
        /// `None` only where it passes the 28 digits of a decimal. Not rounded.
        #[must_use]
        pub fn $name($($input: impl Into<Decimal>),+) -> Option<Decimal> {
            $(let $input = Checked(Some($input.into()));)+
            $sum.0
        }
    };

    (@factor $factor:literal) => { Decimal::from($factor) };
    (@factor) => { Decimal::ONE };

    (@entry $description:literal, $unit:ident, $name:ident, $numerator:tt, [$denominator:ident], [$($factor:literal)?]) => {
        entry!(
            $name, $description, $unit,
            bare(&shown(concat!(stringify!($numerator), " / ", stringify!($denominator) $(, " * ", stringify!($factor))?))),
            Some(format!("{} is 0", shown(stringify!($denominator))))
        )
    };
    (@entry $description:literal, $unit:ident, $name:ident, $sum:tt, [], []) => {
        entry!($name, $description, $unit, bare(&shown(stringify!($sum))), None)
    };
}

/// Without parentheses around a single name or around the whole.
fn bare(formula: &str) -> String {
    match formula.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((inner, rest)) if rest.is_empty() || !inner.contains(' ') => format!("{inner}{rest}"),
        _ => formula.to_owned(),
    }
}

formulas! {
    /// What is earned beyond what was invested. May be negative.
    Won net_profit(expected_revenue, total_investment) = (expected_revenue - total_investment);

    /// The return on the investment. May be negative.
    Percent roi(expected_revenue, total_investment) = (expected_revenue - total_investment) / total_investment * 100;

    /// How much of the targeted ROI the estimated one reaches.
    Percent target_achievement(estimated_roi, target_roi) = (estimated_roi) / target_roi * 100;

    /// Of the times shown, how many led to a click.
    Percent click_through_rate(clicks, impressions) = (clicks) / impressions * 100;

    /// Of the times shown, how many were viewed.
    Percent view_rate(views, impressions) = (views) / impressions * 100;

    /// The reactions to a post.
    Count engagement(likes, comments, shares) = (likes + comments + shares);

    /// Of the views, how many led to a reaction. Of social media.
    Percent engagement_rate(likes, comments, shares, views) = (likes + comments + shares) / views * 100;

    /// Of the clicks, how many led to a conversion.
    Percent conversion_rate(conversions, clicks) = (conversions) / clicks * 100;

    /// Of the views, how many led to a participant.
    Percent participation_rate(participants, views) = (participants) / views * 100;

    /// Of the calls, how many were completed. Of call campaigns.
    Percent call_completion_rate(completed_calls, total_calls) = (completed_calls) / total_calls * 100;

    /// What one view cost. Of a channel, the cost is its distributionCost.
    Won cost_per_view(cost, views) = (cost) / views;

    /// What one click cost. Of a channel, the cost is its distributionCost.
    Won cost_per_click(cost, clicks) = (cost) / clicks;

    /// What one participant cost. Of a channel, the cost is its distributionCost; of an event's ROI, the totalInvestment.
    Won cost_per_participant(cost, participants) = (cost) / participants;

    /// What one conversion cost. Of a channel, the cost is its distributionCost; of an event's ROI, the totalInvestment.
    Won cost_per_conversion(cost, conversions) = (cost) / conversions;

    /// What a thousand times shown cost. Of a channel, the cost is its distributionCost.
    Won cpm(cost, impressions) = (cost) / impressions * 1000;

    /// What is earned for each participant.
    Won revenue_per_participant(expected_revenue, total_participants) = (expected_revenue) / total_participants;

    /// The channel's share of the event's participants. A share, not an attribution.
    Percent participant_share(participants, total_participants) = (participants) / total_participants * 100;

    /// Of those in the funnel's step before, how many remain. Null for the first step, too.
    Percent from_previous(count, previous_count) = (count) / previous_count * 100;

    /// Of those in the funnel's first step, how many remain.
    Percent from_first(count, first_count) = (count) / first_count * 100;

    /// How the participants of the later half of the whole buckets compare with those of the earlier half.
    Percent growth_rate(later, earlier) = (later - earlier) / earlier * 100;

    /// How participants compare with those of the compared period.
    Percent participants_change(participants, compared_participants) = (participants - compared_participants) / compared_participants * 100;

    /// How views compare with those of the compared period.
    Percent views_change(views, compared_views) = (views - compared_views) / compared_views * 100;

    /// How engagement compares with that of the compared period.
    Percent engagement_change(engagement, compared_engagement) = (engagement - compared_engagement) / compared_engagement * 100;

    /// How conversions compare with those of the compared period.
    Percent conversions_change(conversions, compared_conversions) = (conversions - compared_conversions) / compared_conversions * 100;
}

/// The ROI that is stored: as sent; where nothing was sent the computed one, but never below 0 and 0 where there is
/// none. Percent, not rounded.
#[must_use]
pub fn estimated_roi(sent: Option<Decimal>, expected_revenue: Decimal, total_investment: Decimal) -> Decimal {
    sent.unwrap_or_else(|| roi(expected_revenue, total_investment).unwrap_or_default().max(Decimal::ZERO))
}

#[cfg(test)]
mod tests {
    use super::{super::round2, *};

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[track_caller]
    fn assert_rounded(value: Option<Decimal>, expected: &str) {
        assert_eq!(value.map(round2).unwrap().to_string(), expected);
    }

    #[test]
    fn values_by_hand() {
        let (revenue, investment) = (decimal("4200000.00"), decimal("1500000.00"));
        assert_rounded(net_profit(revenue, investment), "2700000.00");
        assert_rounded(roi(revenue, investment), "180.00");
        assert_rounded(roi(decimal("1000000"), decimal("1500000")), "-33.33");
        assert_rounded(target_achievement(decimal("180"), decimal("150")), "120.00");
        assert_rounded(click_through_rate(37, 12_000), "0.31");
        assert_rounded(view_rate(2, 3), "66.67");
        assert_rounded(engagement(1, 2, 3), "6.00");
        assert_rounded(engagement_rate(10, 20, 30, 400), "15.00");
        assert_rounded(conversion_rate(1, 800), "0.12");
        assert_rounded(conversion_rate(3, 800), "0.38");
        assert_rounded(participation_rate(5, 4), "125.00");
        assert_rounded(call_completion_rate(310, 400), "77.50");
        assert_rounded(cost_per_view(decimal("500000.00"), 12_000), "41.67");
        assert_rounded(cost_per_click(decimal("500000.00"), 7), "71428.57");
        assert_rounded(cost_per_participant(decimal("120000.00"), 310), "387.10");
        assert_rounded(cost_per_conversion(decimal("0.01"), 2), "0.00");
        assert_rounded(cpm(decimal("500000.00"), 12_000), "41666.67");
        assert_rounded(revenue_per_participant(revenue, 1234), "3403.57");
        assert_rounded(participant_share(1, 3), "33.33");
        assert_rounded(from_previous(1, 8), "12.50");
        assert_rounded(from_first(7, 7), "100.00");
        assert_rounded(growth_rate(5, 4), "25.00");
        assert_rounded(participants_change(3_i64, 4_i64), "-25.00");
        assert_rounded(views_change(0, 4), "-100.00");
        assert_rounded(engagement_change(9, 3), "200.00");
        assert_rounded(conversions_change(3, 3), "0.00");
    }

    #[test]
    fn a_zero_denominator_has_no_value() {
        let zero = decimal("0.00");
        for value in [
            roi(decimal("1"), zero),
            target_achievement(decimal("1"), zero),
            click_through_rate(0, 0),
            view_rate(1, 0),
            engagement_rate(1, 1, 1, 0),
            conversion_rate(0, 0),
            participation_rate(1, 0),
            call_completion_rate(1, 0),
            cost_per_view(zero, 0),
            cost_per_click(decimal("1"), 0),
            cost_per_participant(decimal("1"), 0),
            cost_per_conversion(decimal("1"), 0),
            cpm(decimal("1"), 0),
            revenue_per_participant(decimal("1"), 0),
            participant_share(0, 0),
            from_previous(0, 0),
            from_first(0, 0),
            growth_rate(1, 0),
            participants_change(1, 0),
            views_change(1, 0),
            engagement_change(1, 0),
            conversions_change(0, 0),
        ] {
            assert_eq!(value, None);
        }
    }

    #[test]
    fn the_largest_columns_stay_exact() {
        let largest = decimal("9999999999999.99");
        assert_rounded(roi(largest, decimal("0.01")), "99999999999999800.00");
        assert_rounded(cpm(largest, 1), "9999999999999990.00");
        assert_rounded(cost_per_view(largest, i32::MAX), "4656.61");
        assert_rounded(participation_rate(i64::MAX, 1), "922337203685477580700.00");
    }

    #[test]
    fn the_estimate_is_what_was_sent_or_what_is_computed() {
        let (revenue, investment) = (decimal("4200000.00"), decimal("1500000.00"));
        assert_eq!(estimated_roi(Some(decimal("12.5")), revenue, investment), decimal("12.5"));
        assert_eq!(estimated_roi(None, revenue, investment), decimal("180"));
        assert_eq!(estimated_roi(None, decimal("1"), investment), Decimal::ZERO);
        assert_eq!(estimated_roi(None, revenue, Decimal::ZERO), Decimal::ZERO);
    }

    #[test]
    fn the_catalogue_reads_like_the_fields() {
        let catalogue = catalogue();
        let line = |name: &str| {
            let metric = catalogue.iter().find(|metric| metric.name == name).unwrap();
            (metric.formula.as_str(), metric.unit.as_str(), metric.null_when.as_deref())
        };
        assert_eq!(
            line("roi"),
            (
                "(expectedRevenue − totalInvestment) / totalInvestment × 100",
                "percent",
                Some("totalInvestment is 0")
            )
        );
        assert_eq!(line("netProfit"), ("expectedRevenue − totalInvestment", "won", None));
        assert_eq!(
            line("engagementRate"),
            ("(likes + comments + shares) / views × 100", "percent", Some("views is 0"))
        );
        assert_eq!(line("costPerClick"), ("cost / clicks", "won", Some("clicks is 0")));
        assert_eq!(line("cpm"), ("cost / impressions × 1000", "won", Some("impressions is 0")));
        assert_eq!(line("engagement"), ("likes + comments + shares", "count", None));
        let mut names: Vec<_> = catalogue.iter().map(|metric| &metric.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), catalogue.len());
        for metric in &catalogue {
            assert!(metric.description.ends_with('.'), "{}: {}", metric.name, metric.description);
        }
    }
}
