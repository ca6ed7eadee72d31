use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::{domain::Bucket, metrics};

/// Where participation is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrendDirection {
    /// The later half has more than 5 % more participants than the earlier one.
    Rising,
    /// The later half has more than 5 % fewer.
    Falling,
    /// Neither.
    Stable,
    /// Fewer than two buckets are over.
    Unknown,
}

/// How the participants of a window develop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trend {
    /// Where it is going.
    pub direction: TrendDirection,
    /// The later half against the earlier one, percent, not rounded; `None` where the earlier one has no participants
    /// or fewer than two buckets are over.
    pub growth_rate: Option<Decimal>,
    /// The bucket with the most participants, the running one included, the earliest of several; `None` where none has
    /// any.
    pub peak: Option<Bucket>,
}

/// The direction is that of the buckets that are over at `now`, halved, an odd one in the middle left out. `buckets` are
/// all buckets of a window in order, the empty ones too.
#[must_use]
pub fn trend(buckets: &[Bucket], now: DateTime<Utc>) -> Trend {
    let whole = &buckets[..buckets.partition_point(|bucket| bucket.end <= now)];
    let half = whole.len() / 2;
    let participants = |buckets: &[Bucket]| buckets.iter().map(|bucket| bucket.counters.participants).sum();
    let (earlier, later): (i64, i64) =
        (participants(&whole[..half]), participants(&whole[whole.len() - half..]));
    let (direction, growth_rate) = if half == 0 {
        (TrendDirection::Unknown, None)
    } else {
        (direction(earlier, later), metrics::growth_rate(later, earlier))
    };
    let peak = buckets
        .iter()
        .filter(|bucket| bucket.counters.participants > 0)
        .rev()
        .max_by_key(|bucket| bucket.counters.participants)
        .copied();
    Trend { direction, growth_rate, peak }
}

/// In whole numbers, so that 5 % is exact.
fn direction(earlier: i64, later: i64) -> TrendDirection {
    let (earlier, later) = (i128::from(earlier), i128::from(later));
    if later * 100 > earlier * 105 {
        TrendDirection::Rising
    } else if later * 100 < earlier * 95 {
        TrendDirection::Falling
    } else {
        TrendDirection::Stable
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::UTC;

    use super::*;
    use crate::{
        domain::{Counters, Granularity},
        timeline::{BucketRow, RangeInput, Series},
    };

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The trend over days from 2026-01-01 with so many participants, at `now`.
    fn trend(participants: &[i64], now: &str) -> Trend {
        let from = at("2026-01-01T00:00:00Z");
        let days = i64::try_from(participants.len()).unwrap();
        let range =
            RangeInput { last: None, from: Some(from), to: Some(from + chrono::TimeDelta::days(days)) };
        let window = range.resolve(Granularity::Day, UTC, from, None).unwrap();
        let rows: Vec<_> = participants
            .iter()
            .enumerate()
            .filter(|(_, participants)| **participants > 0)
            .map(|(index, participants)| BucketRow {
                index,
                counters: Counters { participants: *participants, ..Counters::default() },
                cumulative_participants: 0,
            })
            .collect();
        super::trend(&Series::assemble(&window, &rows, 0, true).buckets, at(now))
    }

    const LATER: &str = "2026-02-01T00:00:00Z";

    #[test]
    fn more_than_five_percent_is_a_direction() {
        for (participants, direction, growth) in [
            (&[100, 106][..], TrendDirection::Rising, Some("6")),
            (&[100, 105], TrendDirection::Stable, Some("5")),
            (&[100, 95], TrendDirection::Stable, Some("-5")),
            (&[1000, 949], TrendDirection::Falling, Some("-5.1")),
            (&[40, 60, 999, 70, 80], TrendDirection::Rising, Some("50")),
            (&[0, 1], TrendDirection::Rising, None),
            (&[0, 0], TrendDirection::Stable, None),
            (&[7, 0], TrendDirection::Falling, Some("-100")),
            (&[7], TrendDirection::Unknown, None),
        ] {
            let trend = trend(participants, LATER);
            let growth = growth.map(|growth| growth.parse::<Decimal>().unwrap());
            assert_eq!((trend.direction, trend.growth_rate), (direction, growth), "{participants:?}");
        }
    }

    #[test]
    fn a_bucket_that_is_not_over_gives_no_direction_but_can_be_the_peak() {
        let noon = trend(&[10, 10, 50], "2026-01-03T12:00:00Z");
        assert_eq!((noon.direction, noon.growth_rate), (TrendDirection::Stable, Some(Decimal::ZERO)));
        assert_eq!(noon.peak.unwrap().start, at("2026-01-03T00:00:00Z"));
        assert_eq!(trend(&[10, 10, 50], "2026-01-04T00:00:00Z").direction, TrendDirection::Rising);
        assert_eq!(trend(&[10, 10], "2026-01-02T23:59:59Z").direction, TrendDirection::Unknown);
        assert_eq!(trend(&[10, 10], "2025-12-01T00:00:00Z").direction, TrendDirection::Unknown);
    }

    #[test]
    fn the_peak_is_the_earliest_of_the_highest() {
        let peak = |participants: &[i64]| trend(participants, LATER).peak;
        assert_eq!(peak(&[1, 5, 5, 2]).unwrap().start, at("2026-01-02T00:00:00Z"));
        assert_eq!(peak(&[3]).unwrap().counters.participants, 3);
        assert_eq!(peak(&[0, 0]), None);
    }
}
