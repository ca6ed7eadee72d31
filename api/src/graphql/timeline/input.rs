use async_graphql::{Enum, InputObject};
use chrono::{DateTime as Instant, Utc};
use service::{
    read::TimelineSpec,
    timeline::{MAX_BUCKETS, RangeInput},
};

use crate::graphql::scalar::{DateTime, Duration, TimeZone};

/// The width of a bucket. Days, weeks (from Monday) and months are calendar units of the time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::domain::Granularity")]
pub(crate) enum Granularity {
    /// One minute.
    Minute,
    /// One hour of the clock; an hour that a clock change repeats is two buckets.
    Hour,
    /// One day, 23 to 25 hours long.
    Day,
    /// Monday to Sunday.
    Week,
    /// One calendar month.
    Month,
}

impl Granularity {
    const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
        }
    }
}

/// A period to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::timeline::Comparison")]
#[expect(clippy::enum_variant_names, reason = "the names are the schema's")]
pub(crate) enum Comparison {
    /// As many buckets right before.
    PreviousPeriod,
    /// The same places in the calendar one week earlier.
    PreviousWeek,
    /// The same places in the calendar one month earlier.
    PreviousMonth,
}

/// Either `last`, ending now (or at `to`), or `from` and `to`: [from, to). `from` goes back to the start of its bucket
/// and `to` forward to the end of its bucket.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub(crate) struct TimeRangeInput {
    /// That long, ending now or at `to`. Not together with `from`.
    pub(super) last: Option<Duration>,
    /// The first instant. Without it, and without `last`: the first bucket with something in it.
    pub(super) from: Option<DateTime>,
    /// The first instant after the range. Without it: now, or the end of the last bucket with something in it where
    /// `last` and `from` are absent too.
    pub(super) to: Option<DateTime>,
}

impl TimeRangeInput {
    pub(crate) fn read(range: Option<Self>) -> RangeInput {
        let range = range.unwrap_or_default();
        RangeInput {
            last: range.last.map(|duration| duration.0),
            from: range.from.map(|instant| instant.0),
            to: range.to.map(|instant| instant.0),
        }
    }

    /// About how many seconds the range is long, where its arguments alone say it.
    fn seconds(self) -> Option<i64> {
        match (self.last, self.from, self.to) {
            (Some(Duration(last)), None, _) => {
                let any = Instant::<Utc>::UNIX_EPOCH;
                Some((any - last.before(any, chrono_tz::UTC)?).num_seconds())
            }
            (None, Some(from), Some(to)) => Some((to.0 - from.0).num_seconds()),
            _ => None,
        }
    }
}

pub(crate) fn spec(
    granularity: Granularity,
    range: Option<TimeRangeInput>,
    zone: TimeZone,
    fill_gaps: bool,
    compare_to: Option<Comparison>,
) -> TimelineSpec {
    TimelineSpec {
        granularity: granularity.into(),
        zone: zone.0,
        range: TimeRangeInput::read(range),
        fill_gaps,
        compare_to: compare_to.map(Into::into),
    }
}

/// Buckets that a timeline is counted as in the cost of an operation where its range says nothing of its length.
const UNKNOWN: i64 = 200;

/// The cost of a timeline: its children times its buckets, as far as the arguments tell.
pub(crate) fn timeline_cost(
    granularity: Granularity,
    range: Option<&TimeRangeInput>,
    child_complexity: usize,
) -> usize {
    let buckets = range
        .and_then(|range| range.seconds())
        .map_or(UNKNOWN, |seconds| seconds / granularity.seconds() + 1);
    let buckets = usize::try_from(buckets).unwrap_or(1).clamp(1, MAX_BUCKETS);
    buckets.saturating_mul(child_complexity).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(granularity: Granularity, last: &str) -> usize {
        let range =
            TimeRangeInput { last: Some(Duration(last.parse().unwrap())), ..TimeRangeInput::default() };
        timeline_cost(granularity, Some(&range), 2)
    }

    #[test]
    fn a_timeline_costs_its_buckets() {
        assert_eq!(cost(Granularity::Day, "P30D"), 63);
        assert_eq!(cost(Granularity::Minute, "PT1H"), 123);
        assert_eq!(cost(Granularity::Minute, "P100Y"), 22_001);
        assert_eq!(cost(Granularity::Month, "PT1S"), 3);
        assert_eq!(timeline_cost(Granularity::Hour, None, 2), 401);
        let at = |text: &str| Some(DateTime(text.parse().unwrap()));
        let backwards =
            TimeRangeInput { last: None, from: at("2026-01-05T00:00:00Z"), to: at("2025-01-05T00:00:00Z") };
        assert_eq!(timeline_cost(Granularity::Minute, Some(&backwards), 2), 3);
    }
}
