use rust_decimal::Decimal;

use super::{ChannelSums, formulas};

/// A step of the funnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunnelStepName {
    /// Times shown.
    Impressions,
    /// Times viewed.
    Views,
    /// Clicks.
    Clicks,
    /// People registered through a channel.
    Participants,
    /// Conversions.
    Conversions,
}

/// How many reached a step, and what share of those before them. Not rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunnelStep {
    /// The step.
    pub name: FunnelStepName,
    /// How many reached it.
    pub count: i64,
    /// Percent of the step before; `None` for the first step and where nobody reached the one before.
    pub from_previous: Option<Decimal>,
    /// Percent of the first step; `None` where nobody reached that.
    pub from_first: Option<Decimal>,
}

/// The steps from being shown to converting, over all channels of an event. Participants without a channel are not in
/// it.
#[must_use]
pub fn funnel(sums: &ChannelSums) -> [FunnelStep; 5] {
    let mut previous = None;
    [
        (FunnelStepName::Impressions, sums.impressions),
        (FunnelStepName::Views, sums.views),
        (FunnelStepName::Clicks, sums.clicks),
        (FunnelStepName::Participants, sums.participants),
        (FunnelStepName::Conversions, sums.conversions),
    ]
    .map(|(name, count)| FunnelStep {
        name,
        count,
        from_previous: previous.replace(count).and_then(|previous| formulas::from_previous(count, previous)),
        from_first: formulas::from_first(count, sums.impressions),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::round2, *};

    fn shown(sums: &ChannelSums) -> Vec<(i64, String, String)> {
        let text =
            |value: Option<Decimal>| value.map_or("null".to_owned(), |value| round2(value).to_string());
        funnel(sums)
            .iter()
            .map(|step| (step.count, text(step.from_previous), text(step.from_first)))
            .collect()
    }

    #[test]
    fn says_what_remains() {
        let sums = ChannelSums {
            impressions: 12_000,
            views: 3_000,
            clicks: 600,
            participants: 0,
            conversions: 8,
            ..ChannelSums::default()
        };
        let expected = [
            (12_000, "null", "100.00"),
            (3_000, "25.00", "25.00"),
            (600, "20.00", "5.00"),
            (0, "0.00", "0.00"),
            (8, "null", "0.07"),
        ];
        assert_eq!(shown(&sums), expected.map(|(count, a, b)| (count, a.to_owned(), b.to_owned())));
    }

    #[test]
    fn an_empty_first_step_is_no_measure() {
        let sums = ChannelSums { views: 5, ..ChannelSums::default() };
        assert_eq!(
            shown(&sums)[..2],
            [(0, "null".to_owned(), "null".to_owned()), (5, "null".to_owned(), "null".to_owned())]
        );
    }
}
