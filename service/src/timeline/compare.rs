use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc, Weekday};

use super::{
    Window,
    calendar::{boundaries_between, buckets_before, end_of, label, start_of, unit_of},
    zone::{DAY, date_of, first_at, local_at, midnight, occurrences, reached_by, utc},
};
use crate::domain::Granularity;

/// Which earlier period a window is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// As many whole buckets right before.
    PreviousPeriod,
    /// The same places in the calendar one week earlier.
    PreviousWeek,
    /// The same places in the calendar one month earlier.
    PreviousMonth,
}

/// Which bucket of the compared period stands beside each bucket of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment(Vec<Option<usize>>);

impl Alignment {
    /// The index of the compared bucket for the window's bucket at `index`; `None` where the compared period has no
    /// such place. Rising with `index`, and no compared bucket stands beside two.
    #[must_use]
    pub fn compared(&self, index: usize) -> Option<usize> {
        self.0.get(index).copied().flatten()
    }
}

/// The period that `window` is compared with, and which of its buckets belongs to which of the window.
///
/// `PreviousPeriod` takes the same number of buckets, one for one: a night with a clock change or a month of another
/// length shifts nothing.
///
/// The other two compare places in the calendar of the window's zone:
/// - a minute or hour of the clock has its counterpart at the same local time of the earlier date. Of an hour that is
///   repeated, the first pass belongs to the only one of another day, and the second has no counterpart;
/// - a day has it at the date 7 days earlier, or at the same day of the month before: 29 to 31 March have none in a short
///   February, nor has a day whose counterpart the zone skipped;
/// - a week has it in the week before, or, a month earlier, in the week of the same count: the second Monday of March
///   belongs to the second of February, and a fifth to none where there are four;
/// - a month has it in the month before either way, which also holds the place of its first day one week earlier.
///
/// The compared period runs from the counterpart of the window's start to that of its end, or to the next places where
/// those don't exist. So it can hold buckets that no bucket of the window belongs to (29 to 31 January for February);
/// they count in its totals.
#[must_use]
pub fn compare(window: &Window, comparison: Comparison) -> (Window, Alignment) {
    let (granularity, zone) = (window.granularity(), window.zone());
    if comparison == Comparison::PreviousPeriod {
        let bounds = buckets_before(granularity, zone, window.from(), window.len());
        let missing = (window.len() + 1).saturating_sub(bounds.len());
        let aligned = (0..window.len()).map(|index| index.checked_sub(missing)).collect();
        return (Window::new(granularity, zone, bounds), Alignment(aligned));
    }
    let start = comparison.bound(window, window.from());
    let end = comparison.bound(window, window.to()).max(start);
    let compared = Window::new(granularity, zone, boundaries_between(granularity, zone, start, end));
    let aligned = window
        .buckets()
        .map(|(start, _)| compared.index_of(utc(comparison.counterpart(window, start.timestamp())?)))
        .collect();
    (compared, Alignment(aligned))
}

impl Comparison {
    /// Where the compared period begins or ends: the counterpart of a bucket's start, or the next place that exists.
    fn bound(self, window: &Window, bound: DateTime<Utc>) -> i64 {
        let (granularity, zone) = (window.granularity(), window.zone());
        let bound = bound.timestamp();
        let place = match granularity {
            Granularity::Minute | Granularity::Hour => reached_by(zone, bound),
            Granularity::Day | Granularity::Week | Granularity::Month => midnight(label(zone, bound)),
        };
        let date = date_of(place);
        let earlier = match self.earlier(granularity, date) {
            Some(earlier) => midnight(earlier) + place.rem_euclid(DAY),
            // What the month before lacks lies at its end, so the next place is the first one of the date's own month.
            None => midnight(first_of_month(granularity, date)),
        };
        let instant = first_at(zone, earlier);
        let start = start_of(granularity, zone, instant);
        if start == instant { start } else { end_of(granularity, zone, instant) }
    }

    /// The first instant of the counterpart of the bucket that begins at `start`.
    fn counterpart(self, window: &Window, start: i64) -> Option<i64> {
        let (granularity, zone) = (window.granularity(), window.zone());
        let width = match granularity {
            Granularity::Minute => 60,
            Granularity::Hour => 3600,
            Granularity::Day | Granularity::Week | Granularity::Month => {
                let earlier = self.earlier(granularity, unit_of(granularity, label(zone, start)))?;
                let instant = first_at(zone, midnight(earlier));
                // A date that is skipped begins where the next one does.
                return (unit_of(granularity, label(zone, instant)) == earlier).then_some(instant);
            }
        };
        let shown = local_at(zone, start);
        let from = if granularity == Granularity::Hour { shown - shown.rem_euclid(width) } else { shown };
        let pass = occurrences(zone, from, from + width).iter().position(|pass| pass.0 == start)?;
        let earlier = midnight(self.earlier(granularity, date_of(from))?) + from.rem_euclid(DAY);
        occurrences(zone, earlier, earlier + width).get(pass).map(|pass| pass.0)
    }

    /// The date of the same place one week or month before the unit that begins at `date`.
    fn earlier(self, granularity: Granularity, date: NaiveDate) -> Option<NaiveDate> {
        match (self, granularity) {
            (Self::PreviousPeriod, _) => None,
            (Self::PreviousWeek, _) => {
                date.checked_sub_days(Days::new(7)).map(|earlier| unit_of(granularity, earlier))
            }
            (Self::PreviousMonth, Granularity::Week) => {
                let before = date.with_day(1)?.checked_sub_months(Months::new(1))?;
                let nth = u8::try_from(date.day0() / 7 + 1).ok()?;
                NaiveDate::from_weekday_of_month_opt(before.year(), before.month(), Weekday::Mon, nth)
            }
            (Self::PreviousMonth, _) => {
                date.with_day(1)?.checked_sub_months(Months::new(1))?.with_day(date.day())
            }
        }
    }
}

/// The first date, or the first Monday, of the date's month.
fn first_of_month(granularity: Granularity, date: NaiveDate) -> NaiveDate {
    let first = if granularity == Granularity::Week {
        NaiveDate::from_weekday_of_month_opt(date.year(), date.month(), Weekday::Mon, 1)
    } else {
        date.with_day(1)
    };
    first.unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        America::{New_York, St_Johns},
        Asia::Seoul,
        Pacific::Apia,
        Tz, UTC,
    };

    use super::*;
    use crate::timeline::RangeInput;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn window(granularity: Granularity, zone: Tz, from: &str, to: &str) -> Window {
        RangeInput { last: None, from: Some(at(from)), to: Some(at(to)) }
            .resolve(granularity, zone, DateTime::UNIX_EPOCH, None)
            .unwrap()
    }

    #[track_caller]
    fn assert_compared(compared: &(Window, Alignment), from: &str, to: &str, aligned: &[Option<usize>]) {
        assert_eq!((compared.0.from(), compared.0.to()), (at(from), at(to)));
        assert_eq!(compared.1.0, aligned);
    }

    #[test]
    fn the_previous_period_has_the_same_number_of_buckets() {
        let march = window(Granularity::Day, Seoul, "2026-02-28T15:00:00Z", "2026-03-31T15:00:00Z");
        let compared = compare(&march, Comparison::PreviousPeriod);
        assert_eq!(compared.0.from(), at("2026-01-28T15:00:00Z"));
        assert_eq!(compared.0.to(), march.from());
        assert_eq!(compared.1.0, (0..31).map(Some).collect::<Vec<_>>());
        // The day of the change to winter time has 25 hours; the 25 before it reach into the day before that.
        let day = window(Granularity::Hour, New_York, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z");
        assert_eq!(compare(&day, Comparison::PreviousPeriod).0.from(), at("2026-10-31T03:00:00Z"));
    }

    #[test]
    fn nothing_is_compared_with_nothing() {
        let empty =
            RangeInput::default().resolve(Granularity::Day, UTC, at("2026-03-31T12:00:00Z"), None).unwrap();
        for (comparison, at) in [
            (Comparison::PreviousPeriod, "2026-03-31T00:00:00Z"),
            (Comparison::PreviousWeek, "2026-03-24T00:00:00Z"),
            (Comparison::PreviousMonth, "2026-03-01T00:00:00Z"),
        ] {
            assert_compared(&compare(&empty, comparison), at, at, &[]);
        }
    }

    #[test]
    fn months_of_unequal_length_leave_days_without_counterpart() {
        let end_of_march = window(Granularity::Day, UTC, "2026-03-27T00:00:00Z", "2026-04-02T00:00:00Z");
        assert_compared(
            &compare(&end_of_march, Comparison::PreviousMonth),
            "2026-02-27T00:00:00Z",
            "2026-03-02T00:00:00Z",
            &[Some(0), Some(1), None, None, None, Some(2)],
        );
        let lost = window(Granularity::Day, UTC, "2026-03-29T00:00:00Z", "2026-04-01T00:00:00Z");
        let nowhere = "2026-03-01T00:00:00Z";
        assert_compared(&compare(&lost, Comparison::PreviousMonth), nowhere, nowhere, &[None, None, None]);
        let leap = window(Granularity::Day, UTC, "2024-03-29T00:00:00Z", "2024-03-31T00:00:00Z");
        assert_compared(
            &compare(&leap, Comparison::PreviousMonth),
            "2024-02-29T00:00:00Z",
            "2024-03-01T00:00:00Z",
            &[Some(0), None],
        );
    }

    #[test]
    fn a_longer_month_counts_as_a_whole() {
        let february = window(Granularity::Day, Seoul, "2026-01-31T15:00:00Z", "2026-02-28T15:00:00Z");
        let compared = compare(&february, Comparison::PreviousMonth);
        assert_eq!(compared.0.len(), 31);
        assert_eq!(compared.1.0, (0..28).map(Some).collect::<Vec<_>>());
    }

    #[test]
    fn hours_keep_their_place_over_a_clock_change() {
        // Sunday 8 March 2026 has 23 hours in New York, the Sunday before has 24: hour 2 has no counterpart in reverse.
        let short = window(Granularity::Hour, New_York, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z");
        let compared = compare(&short, Comparison::PreviousWeek);
        assert_eq!(compared.0.len(), 24);
        let expected: Vec<_> = (0..24).filter(|hour| *hour != 2).map(Some).collect();
        assert_eq!(compared.1.0, expected);
        let after = window(Granularity::Hour, New_York, "2026-03-15T04:00:00Z", "2026-03-15T08:00:00Z");
        assert_compared(
            &compare(&after, Comparison::PreviousWeek),
            "2026-03-08T05:00:00Z",
            "2026-03-08T08:00:00Z",
            &[Some(0), Some(1), None, Some(2)],
        );
    }

    #[test]
    fn the_second_pass_of_an_hour_has_no_counterpart() {
        let long = window(Granularity::Hour, New_York, "2026-11-01T04:00:00Z", "2026-11-01T08:00:00Z");
        assert_compared(
            &compare(&long, Comparison::PreviousWeek),
            "2026-10-25T04:00:00Z",
            "2026-10-25T07:00:00Z",
            &[Some(0), Some(1), None, Some(2)],
        );
        let after = window(Granularity::Hour, New_York, "2026-11-08T05:00:00Z", "2026-11-08T08:00:00Z");
        assert_compared(
            &compare(&after, Comparison::PreviousWeek),
            "2026-11-01T04:00:00Z",
            "2026-11-01T08:00:00Z",
            &[Some(0), Some(1), Some(3)],
        );
        // A window that begins within the second pass is compared with what comes after the only one.
        let within = window(Granularity::Minute, New_York, "2026-11-01T06:58:00Z", "2026-11-01T07:02:00Z");
        assert_compared(
            &compare(&within, Comparison::PreviousWeek),
            "2026-10-25T06:00:00Z",
            "2026-10-25T06:02:00Z",
            &[None, None, Some(0), Some(1)],
        );
    }

    #[test]
    fn days_that_a_zone_skipped_are_nobodys_counterpart() {
        // Apia had no 2011-12-30.
        let days = window(Granularity::Day, Apia, "2012-01-05T10:00:00Z", "2012-01-07T10:00:00Z");
        assert_compared(
            &compare(&days, Comparison::PreviousWeek),
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z",
            &[None, Some(0)],
        );
        let days = window(Granularity::Day, St_Johns, "2010-11-14T03:30:00Z", "2010-11-15T03:30:00Z");
        assert_compared(
            &compare(&days, Comparison::PreviousWeek),
            "2010-11-07T02:30:00Z",
            "2010-11-08T03:30:00Z",
            &[Some(0)],
        );
    }

    #[test]
    fn weeks_go_by_their_count_in_the_month() {
        // Mondays of March 2026: 2, 9, 16, 23, 30; of February: 2, 9, 16, 23.
        let march = window(Granularity::Week, UTC, "2026-03-02T00:00:00Z", "2026-04-06T00:00:00Z");
        assert_compared(
            &compare(&march, Comparison::PreviousMonth),
            "2026-02-02T00:00:00Z",
            "2026-03-02T00:00:00Z",
            &[Some(0), Some(1), Some(2), Some(3), None],
        );
        assert_compared(
            &compare(&march, Comparison::PreviousWeek),
            "2026-02-23T00:00:00Z",
            "2026-03-30T00:00:00Z",
            &[Some(0), Some(1), Some(2), Some(3), Some(4)],
        );
    }

    #[test]
    fn a_month_is_compared_with_the_one_before() {
        let months = window(Granularity::Month, Seoul, "2025-12-31T15:00:00Z", "2026-03-31T15:00:00Z");
        for comparison in [Comparison::PreviousWeek, Comparison::PreviousMonth] {
            assert_compared(
                &compare(&months, comparison),
                "2025-11-30T15:00:00Z",
                "2026-02-28T15:00:00Z",
                &[Some(0), Some(1), Some(2)],
            );
        }
    }
}
