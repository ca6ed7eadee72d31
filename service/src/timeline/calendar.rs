//! Where buckets begin and end, for every granularity in every zone.
//!
//! - MINUTE is the minute of UTC, which is what is stored.
//! - HOUR is an hour of the zone's clock: a stretch in which the clock runs on within one hour and is not put back. So
//!   an hour that a clock change repeats is two buckets, and one that it cuts into is a shorter bucket.
//! - DAY, WEEK and MONTH begin at the first instant at which the clock shows their first midnight or later. So a day
//!   whose midnight is skipped begins with the change, a day that is skipped has no bucket, and where the clock is put
//!   back over midnight the new day has begun with the first midnight.
//!
//! The buckets of one granularity touch, never overlap, and every bucket lies within one of each coarser one (but for
//! minutes that a change cuts, of which there has been none since 1972).

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use chrono_tz::Tz;

use super::zone::{DAY, Stretches, date_of, first_at, local_at, midnight, utc};
use crate::domain::Granularity;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

/// A range would hold more buckets than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {limit} buckets")]
pub struct TooManyBuckets {
    /// The most that were allowed.
    pub limit: usize,
}

/// The first instant of the bucket that holds `instant`.
#[must_use]
pub fn bucket_start(granularity: Granularity, zone: Tz, instant: DateTime<Utc>) -> DateTime<Utc> {
    utc(start_of(granularity, zone, instant.timestamp()))
}

/// The first instant after the bucket that holds `instant`.
#[must_use]
pub fn bucket_end(granularity: Granularity, zone: Tz, instant: DateTime<Utc>) -> DateTime<Utc> {
    utc(end_of(granularity, zone, instant.timestamp()))
}

/// The bounds of the buckets that hold `[from, to)`, strictly rising, one more than there are buckets. `from` goes
/// back to the start of its bucket and `to` forward to the end of its bucket. Where `to` isn't after `from` there are
/// no buckets: the list holds the start of `from`'s bucket alone.
///
/// # Errors
/// [`TooManyBuckets`] where there are more than `limit`.
pub fn boundaries(
    granularity: Granularity,
    zone: Tz,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<DateTime<Utc>>, TooManyBuckets> {
    let start = start_of(granularity, zone, from.timestamp());
    let mut bounds = vec![start];
    if to > from {
        let last = to.timestamp() - i64::from(to.timestamp_subsec_nanos() == 0);
        let fewest = (last - start) / longest(granularity);
        if usize::try_from(fewest).is_ok_and(|fewest| fewest > limit) {
            return Err(TooManyBuckets { limit });
        }
        extend_to(granularity, zone, end_of(granularity, zone, last), limit.saturating_add(1), &mut bounds);
    }
    if bounds.len() > limit.saturating_add(1) {
        return Err(TooManyBuckets { limit });
    }
    Ok(bounds.into_iter().map(utc).collect())
}

/// The bounds of the buckets from one bound to another, however many there are.
pub(super) fn boundaries_between(
    granularity: Granularity,
    zone: Tz,
    start: i64,
    end: i64,
) -> Vec<DateTime<Utc>> {
    let mut bounds = vec![start];
    extend_to(granularity, zone, end, usize::MAX, &mut bounds);
    bounds.into_iter().map(utc).collect()
}

/// The bounds of the `count` buckets right before `end`, which is a bucket's bound. Fewer only where the calendar begins.
pub(super) fn buckets_before(
    granularity: Granularity,
    zone: Tz,
    end: DateTime<Utc>,
    count: usize,
) -> Vec<DateTime<Utc>> {
    let reach = i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(longest(granularity));
    let start = start_of(granularity, zone, end.timestamp().saturating_sub(reach));
    let mut bounds = boundaries_between(granularity, zone, start, end.timestamp());
    bounds.drain(..bounds.len().saturating_sub(count + 1));
    bounds
}

/// Adds the bounds after the last one up to `end`, at most `more` of them.
fn extend_to(granularity: Granularity, zone: Tz, end: i64, more: usize, bounds: &mut Vec<i64>) {
    let Some(&start) = bounds.last() else { return };
    match granularity {
        Granularity::Minute => bounds.extend((start + MINUTE..=end).step_by(60).take(more)),
        Granularity::Hour => hour_marks(zone, start + 1, end + 1, more, bounds),
        Granularity::Day | Granularity::Week | Granularity::Month => {
            let full = bounds.len().saturating_add(more);
            let mut unit = Some(unit_of(granularity, label(zone, start)));
            let mut bound = start;
            while bound < end && bounds.len() < full {
                unit = unit.and_then(|unit| next_unit(granularity, unit));
                let next = unit.map_or(end, |unit| first_at(zone, midnight(unit)));
                // A unit that is skipped as a whole begins where the next one does.
                if next > bound {
                    bounds.push(next);
                    bound = next;
                }
            }
        }
    }
}

/// The longest that a bucket can be, in seconds. A clock that is put back makes a day of at most two.
const fn longest(granularity: Granularity) -> i64 {
    match granularity {
        Granularity::Minute => MINUTE,
        Granularity::Hour => HOUR,
        Granularity::Day => 2 * DAY,
        Granularity::Week => 8 * DAY,
        Granularity::Month => 32 * DAY,
    }
}

pub(super) fn start_of(granularity: Granularity, zone: Tz, instant: i64) -> i64 {
    match granularity {
        Granularity::Minute => instant - instant.rem_euclid(MINUTE),
        Granularity::Hour => {
            let mut marks = Vec::with_capacity(2);
            hour_marks(zone, instant - HOUR + 1, instant + 1, usize::MAX, &mut marks);
            marks.pop().unwrap_or(instant)
        }
        Granularity::Day | Granularity::Week | Granularity::Month => {
            first_at(zone, midnight(unit_of(granularity, label(zone, instant))))
        }
    }
}

pub(super) fn end_of(granularity: Granularity, zone: Tz, instant: i64) -> i64 {
    match granularity {
        Granularity::Minute => instant - instant.rem_euclid(MINUTE) + MINUTE,
        Granularity::Hour => {
            let mut marks = Vec::with_capacity(1);
            hour_marks(zone, instant + 1, instant + HOUR + 1, 1, &mut marks);
            marks.pop().unwrap_or(instant + HOUR)
        }
        Granularity::Day | Granularity::Week | Granularity::Month => {
            let mut unit = unit_of(granularity, label(zone, instant));
            while let Some(next) = next_unit(granularity, unit) {
                let start = first_at(zone, midnight(next));
                if start > instant {
                    return start;
                }
                unit = next;
            }
            DateTime::<Utc>::MAX_UTC.timestamp()
        }
    }
}

/// Adds the starts of hour buckets in `[from, to)`, in order, at most `more` of them.
fn hour_marks(zone: Tz, from: i64, to: i64, more: usize, marks: &mut Vec<i64>) {
    let full = marks.len().saturating_add(more);
    let mut before: Option<i64> = None;
    // From the second before, so that a change at `from` itself is seen.
    for stretch in Stretches::new(zone, from - 1, to) {
        if let Some(offset) = before {
            let same_hour = (stretch.start - 1 + offset).div_euclid(HOUR)
                == (stretch.start + stretch.offset).div_euclid(HOUR);
            if !(same_hour && stretch.offset > offset) && marks.len() < full {
                marks.push(stretch.start);
            }
        }
        let mut mark = stretch.start - (stretch.start + stretch.offset).rem_euclid(HOUR) + HOUR;
        while mark < stretch.end && marks.len() < full {
            marks.push(mark);
            mark += HOUR;
        }
        before = Some(stretch.offset);
    }
}

/// The date whose bucket holds the instant: the latest that the clock has shown so far.
pub(super) fn label(zone: Tz, instant: i64) -> NaiveDate {
    let mut date = date_of(local_at(zone, instant));
    while let Some(next) = date.succ_opt() {
        if first_at(zone, midnight(next)) > instant {
            break;
        }
        date = next;
    }
    date
}

/// The first date of the unit that holds `date`.
pub(super) fn unit_of(granularity: Granularity, date: NaiveDate) -> NaiveDate {
    match granularity {
        Granularity::Week => date
            .checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday())))
            .unwrap_or(NaiveDate::MIN),
        Granularity::Month => date.with_day(1).unwrap_or(date),
        Granularity::Minute | Granularity::Hour | Granularity::Day => date,
    }
}

/// The first date of the unit after the one that begins at `date`; `None` at the end of the calendar.
fn next_unit(granularity: Granularity, date: NaiveDate) -> Option<NaiveDate> {
    match granularity {
        Granularity::Week => date.checked_add_days(Days::new(7)),
        Granularity::Month => date.checked_add_months(Months::new(1)),
        Granularity::Minute | Granularity::Hour | Granularity::Day => date.succ_opt(),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        Africa::Monrovia,
        America::{Havana, New_York, Sao_Paulo, St_Johns},
        Asia::{Beirut, Kathmandu, Kolkata, Seoul},
        Australia::Lord_Howe,
        Pacific::{Apia, Kwajalein},
        UTC,
    };

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn texts(bounds: &[DateTime<Utc>]) -> Vec<String> {
        bounds.iter().map(|bound| bound.format("%Y-%m-%dT%H:%M:%S").to_string()).collect()
    }

    fn bounds(granularity: Granularity, zone: Tz, from: &str, to: &str) -> Vec<String> {
        texts(&boundaries(granularity, zone, at(from), at(to), 1000).unwrap())
    }

    fn lengths(granularity: Granularity, zone: Tz, from: &str, to: &str) -> Vec<i64> {
        boundaries(granularity, zone, at(from), at(to), 1000)
            .unwrap()
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).num_minutes())
            .collect()
    }

    #[test]
    fn minutes_are_of_utc_in_every_zone() {
        assert_eq!(
            bucket_start(Granularity::Minute, Monrovia, at("1970-01-01T00:00:59.9Z")),
            at("1970-01-01T00:00:00Z")
        );
        assert_eq!(
            bounds(Granularity::Minute, Seoul, "2026-01-05T00:00:30Z", "2026-01-05T00:02:00Z"),
            ["2026-01-05T00:00:00", "2026-01-05T00:01:00", "2026-01-05T00:02:00"]
        );
        assert_eq!(
            bounds(Granularity::Minute, Seoul, "2026-01-05T00:00:00Z", "2026-01-05T00:01:00.000001Z"),
            ["2026-01-05T00:00:00", "2026-01-05T00:01:00", "2026-01-05T00:02:00"]
        );
    }

    #[test]
    fn before_1970_a_bucket_still_begins_before_its_instants() {
        assert_eq!(
            bucket_start(Granularity::Minute, UTC, at("1969-12-31T23:59:59.5Z")),
            at("1969-12-31T23:59:00Z")
        );
        assert_eq!(
            bucket_start(Granularity::Hour, UTC, at("1969-12-31T23:59:59.5Z")),
            at("1969-12-31T23:00:00Z")
        );
        assert_eq!(
            bucket_end(Granularity::Hour, UTC, at("1969-12-31T23:59:59.5Z")),
            at("1970-01-01T00:00:00Z")
        );
    }

    #[test]
    fn hours_follow_half_hour_and_quarter_hour_offsets() {
        assert_eq!(
            bucket_start(Granularity::Hour, Kolkata, at("2026-01-05T10:29:00Z")),
            at("2026-01-05T09:30:00Z")
        );
        assert_eq!(
            bucket_end(Granularity::Hour, Kolkata, at("2026-01-05T10:29:00Z")),
            at("2026-01-05T10:30:00Z")
        );
        assert_eq!(
            bucket_start(Granularity::Hour, Kathmandu, at("2026-01-05T10:14:00Z")),
            at("2026-01-05T09:15:00Z")
        );
        // 44 minutes and 30 seconds west of UTC until 1972.
        assert_eq!(
            bucket_start(Granularity::Hour, Monrovia, at("1971-01-05T10:44:29Z")),
            at("1971-01-05T09:44:30Z")
        );
        assert_eq!(
            bucket_end(Granularity::Hour, Monrovia, at("1971-01-05T10:44:29.5Z")),
            at("1971-01-05T10:44:30Z")
        );
    }

    #[test]
    fn a_repeated_hour_is_two_buckets_and_a_skipped_one_none() {
        assert_eq!(
            bounds(Granularity::Hour, New_York, "2026-11-01T04:00:00Z", "2026-11-01T07:00:00Z"),
            ["2026-11-01T04:00:00", "2026-11-01T05:00:00", "2026-11-01T06:00:00", "2026-11-01T07:00:00"]
        );
        assert_eq!(
            bounds(Granularity::Hour, New_York, "2026-03-08T06:10:00Z", "2026-03-08T07:10:00Z"),
            ["2026-03-08T06:00:00", "2026-03-08T07:00:00", "2026-03-08T08:00:00"]
        );
    }

    #[test]
    fn lord_howe_shifts_by_half_an_hour() {
        // 02:00 becomes 01:30: the second half of hour 1 comes again, as a bucket of its own.
        assert_eq!(
            lengths(Granularity::Hour, Lord_Howe, "2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z"),
            [60, 30, 60]
        );
        // 02:00 becomes 02:30: hour 2 is half an hour long.
        assert_eq!(
            lengths(Granularity::Hour, Lord_Howe, "2026-10-03T14:30:00Z", "2026-10-03T17:00:00Z"),
            [60, 30, 60]
        );
        assert_eq!(
            bucket_start(Granularity::Hour, Lord_Howe, at("2026-10-03T15:59:00Z")),
            at("2026-10-03T15:30:00Z")
        );
        assert_eq!(
            lengths(Granularity::Day, Lord_Howe, "2026-10-03T14:00:00Z", "2026-10-03T14:00:01Z"),
            [23 * 60 + 30]
        );
    }

    #[test]
    fn a_forward_change_within_an_hour_leaves_one_shorter_bucket() {
        // Monrovia, 1972-01-07: 00:00:00 local became 00:44:30.
        assert_eq!(
            bounds(Granularity::Hour, Monrovia, "1972-01-06T23:44:30Z", "1972-01-07T01:00:00Z"),
            ["1972-01-06T23:44:30", "1972-01-07T00:44:30", "1972-01-07T01:00:00"]
        );
        // Kathmandu, 1986-01-01: 00:00 became 00:15.
        assert_eq!(
            bounds(Granularity::Hour, Kathmandu, "1985-12-31T18:00:00Z", "1985-12-31T20:00:00Z"),
            ["1985-12-31T17:30:00", "1985-12-31T18:30:00", "1985-12-31T19:15:00", "1985-12-31T20:15:00"]
        );
    }

    #[test]
    fn days_have_23_24_and_25_hours() {
        assert_eq!(
            lengths(Granularity::Day, New_York, "2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z"),
            [24 * 60, 23 * 60, 24 * 60]
        );
        assert_eq!(
            lengths(Granularity::Day, New_York, "2026-11-01T12:00:00Z", "2026-11-01T13:00:00Z"),
            [25 * 60]
        );
    }

    #[test]
    fn a_day_without_midnight_begins_with_the_change() {
        // São Paulo 2018-11-04 and Beirut 2026-03-29: 00:00 becomes 01:00.
        assert_eq!(
            bucket_start(Granularity::Day, Sao_Paulo, at("2018-11-04T12:00:00Z")),
            at("2018-11-04T03:00:00Z")
        );
        assert_eq!(
            lengths(Granularity::Day, Sao_Paulo, "2018-11-04T12:00:00Z", "2018-11-04T12:01:00Z"),
            [23 * 60]
        );
        assert_eq!(
            bucket_start(Granularity::Day, Beirut, at("2026-03-29T12:00:00Z")),
            at("2026-03-28T22:00:00Z")
        );
        // São Paulo 2018-02-18: 00:00 becomes 23:00 of the day before, which is 25 hours long.
        assert_eq!(
            lengths(Granularity::Day, Sao_Paulo, "2018-02-17T12:00:00Z", "2018-02-17T12:01:00Z"),
            [25 * 60]
        );
    }

    #[test]
    fn a_day_begins_at_the_first_of_two_midnights() {
        // Havana 2026-11-01: 01:00 becomes 00:00.
        assert_eq!(
            bucket_start(Granularity::Day, Havana, at("2026-11-01T12:00:00Z")),
            at("2026-11-01T04:00:00Z")
        );
        assert_eq!(
            lengths(Granularity::Day, Havana, "2026-11-01T12:00:00Z", "2026-11-01T12:01:00Z"),
            [25 * 60]
        );
        // St John's 2010-11-07: 00:01 becomes 23:01 of the day before, which is over by then.
        assert_eq!(
            bounds(Granularity::Day, St_Johns, "2010-11-06T12:00:00Z", "2010-11-07T12:00:00Z"),
            ["2010-11-06T02:30:00", "2010-11-07T02:30:00", "2010-11-08T03:30:00"]
        );
        assert_eq!(
            bucket_start(Granularity::Day, St_Johns, at("2010-11-07T02:45:00Z")),
            at("2010-11-07T02:30:00Z")
        );
        assert_eq!(
            lengths(Granularity::Hour, St_Johns, "2010-11-07T02:00:00Z", "2010-11-07T04:00:00Z"),
            [60, 1, 59, 60]
        );
    }

    #[test]
    fn a_day_that_does_not_exist_has_no_bucket() {
        assert_eq!(
            bounds(Granularity::Day, Apia, "2011-12-29T12:00:00Z", "2011-12-31T09:00:00Z"),
            ["2011-12-29T10:00:00", "2011-12-30T10:00:00", "2011-12-31T10:00:00"]
        );
        assert_eq!(
            bucket_end(Granularity::Day, Apia, at("2011-12-30T09:59:59Z")),
            at("2011-12-30T10:00:00Z")
        );
        assert_eq!(
            bucket_start(Granularity::Day, Apia, at("2011-12-30T10:00:00Z")),
            at("2011-12-30T10:00:00Z")
        );
        // Kwajalein lived 1969-09-30 almost twice.
        assert_eq!(
            lengths(Granularity::Day, Kwajalein, "1969-09-30T06:00:00Z", "1969-09-30T06:01:00Z"),
            [47 * 60]
        );
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        assert_eq!(
            bounds(Granularity::Week, Seoul, "2026-01-04T14:59:59Z", "2026-01-04T15:00:01Z"),
            ["2025-12-28T15:00:00", "2026-01-04T15:00:00", "2026-01-11T15:00:00"]
        );
        assert_eq!(
            bounds(Granularity::Month, Seoul, "2026-01-31T14:59:59Z", "2026-02-28T15:00:00Z"),
            ["2025-12-31T15:00:00", "2026-01-31T15:00:00", "2026-02-28T15:00:00"]
        );
        assert_eq!(
            lengths(Granularity::Week, New_York, "2026-03-05T00:00:00Z", "2026-03-05T00:01:00Z"),
            [(7 * 24 - 1) * 60]
        );
    }

    #[test]
    fn nothing_lies_within_an_empty_range() {
        assert_eq!(
            bounds(Granularity::Hour, Seoul, "2026-01-05T00:30:00Z", "2026-01-05T00:30:00Z"),
            ["2026-01-05T00:00:00"]
        );
    }

    #[test]
    fn a_limit_is_reached_exactly() {
        for granularity in Granularity::ALL {
            let from = at("2020-01-01T00:00:00Z");
            let mut to = from;
            for _ in 0..5 {
                to = bucket_end(granularity, UTC, to);
            }
            let bounds = boundaries(granularity, UTC, from, to, 1000).unwrap();
            let count = bounds.len() - 1;
            assert_eq!(count, 5, "{granularity}");
            assert_eq!(boundaries(granularity, UTC, from, to, count), Ok(bounds));
            assert_eq!(
                boundaries(granularity, UTC, from, to, count - 1),
                Err(TooManyBuckets { limit: count - 1 })
            );
        }
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_trap() {
        for granularity in Granularity::ALL {
            for zone in [UTC, New_York, Seoul] {
                for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                    assert!(
                        bucket_start(granularity, zone, instant) <= bucket_end(granularity, zone, instant)
                    );
                }
                let all =
                    boundaries(granularity, zone, DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, 11_000);
                assert_eq!(all, Err(TooManyBuckets { limit: 11_000 }));
            }
        }
    }
}
