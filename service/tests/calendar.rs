//! The buckets of `service::timeline` against a deliberately plain recomputation: look at the clock on the wall again
//! and again, and note when what it shows calls for a new bucket. In every zone of the tz database, over windows that
//! often hold a clock change.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use chrono::{DateTime, Datelike, Days, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use service::{
    domain::Granularity,
    timeline::{boundaries, bucket_end, bucket_start},
};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

fn utc(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

/// What the clock on the wall shows, in seconds.
fn wall(zone: Tz, second: i64) -> i64 {
    second + i64::from(zone.offset_from_utc_datetime(&utc(second).naive_utc()).fix().local_minus_utc())
}

/// The seconds in `(from, to]` at which a new bucket begins, where `begins(a, b)` says that one does after `a` and by
/// `b`. Looks every `step` seconds, and closer where something happens to the bucket or to the clock.
fn plain(zone: Tz, from: i64, to: i64, step: i64, begins: &mut dyn FnMut(i64, i64) -> bool) -> Vec<i64> {
    let mut found = Vec::new();
    let mut before = from;
    while before < to {
        let after = (before + step).min(to);
        let begun = begins(before, after);
        let changed = wall(zone, after) - wall(zone, before) != after - before;
        if step > 1 && (begun || changed) {
            let finer = if step > MINUTE { MINUTE } else { 1 };
            found.extend(plain(zone, before, after, finer, begins));
        } else if begun {
            found.push(after);
        }
        before = after;
    }
    found
}

/// A new hour shows, or the clock has been put back.
fn hour_begins(zone: Tz) -> impl FnMut(i64, i64) -> bool {
    move |before, after| {
        let (old, new) = (wall(zone, before), wall(zone, after));
        old.div_euclid(HOUR) != new.div_euclid(HOUR) || new - old < after - before
    }
}

/// A date of another unit shows, later than any that the clock has shown since `from`.
fn unit_begins(granularity: Granularity, zone: Tz, from: i64) -> impl FnMut(i64, i64) -> bool {
    let unit = move |date: NaiveDate| match granularity {
        Granularity::Week => date.week(chrono::Weekday::Mon).first_day(),
        Granularity::Month => date.with_day(1).unwrap(),
        _ => date,
    };
    let date = move |second| unit(utc(wall(zone, second)).date_naive());
    // Where the clock was put back just before, it has shown later dates than it does now.
    let mut latest = (0..=DAY / MINUTE).map(|minutes| date(from - minutes * MINUTE)).max().unwrap();
    let mut seen_until = from;
    let mut previous = latest;
    move |before, after| {
        if before < seen_until {
            latest = previous;
        }
        previous = latest;
        seen_until = after;
        latest = latest.max(date(after));
        latest > previous
    }
}

/// The middle of a window: some instant of the years 1850 to 2100, at a nearby clock change where there is one.
fn middle(zone: Tz, at: i64, near_change: bool) -> i64 {
    let offset = |second| wall(zone, second) - second;
    if !near_change {
        return at;
    }
    (0..40)
        .map(|step| at + step * 10 * DAY)
        .find(|second| offset(*second) != offset(second + 10 * DAY))
        .map_or(at, |mut second| {
            while offset(second + HOUR) == offset(second) {
                second += HOUR;
            }
            second
        })
}

fn check(
    granularity: Granularity,
    zone: Tz,
    from: i64,
    to: i64,
    expected: &[i64],
) -> Result<(), TestCaseError> {
    let found = boundaries(granularity, zone, utc(from), utc(to), 100_000).unwrap();
    prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
    prop_assert!(found[0] <= utc(from) && *found.last().unwrap() >= utc(to));
    let within: Vec<_> =
        found.iter().map(DateTime::timestamp).filter(|bound| (from + 1..=to).contains(bound)).collect();
    prop_assert_eq!(&within, expected, "{} of {}", granularity, zone);
    for pair in found.windows(2) {
        for instant in [pair[0], pair[0] + (pair[1] - pair[0]) / 2, pair[1] - TimeDelta::nanoseconds(1)] {
            prop_assert_eq!(bucket_start(granularity, zone, instant), pair[0]);
            prop_assert_eq!(bucket_end(granularity, zone, instant), pair[1]);
        }
    }
    Ok(())
}

/// A runner counts the cases that it has seen, so each zone needs one of its own.
fn runner() -> TestRunner {
    TestRunner::new(Config { cases: 1, failure_persistence: None, ..Config::default() })
}

fn every_zone(granularity: Granularity, span: i64, expected: impl Fn(Tz, i64, i64) -> Vec<i64>) {
    let instants = utc_second(1850)..utc_second(2099);
    for zone in TZ_VARIANTS {
        runner()
            .run(&(instants.clone(), prop::bool::weighted(0.8), 0..span), |(at, near_change, before)| {
                let from = middle(zone, at, near_change) - before;
                let to = from + span;
                check(granularity, zone, from, to, &expected(zone, from, to))
            })
            .unwrap();
    }
}

fn utc_second(year: i32) -> i64 {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
}

#[test]
fn hours_in_every_zone() {
    every_zone(Granularity::Hour, 30 * HOUR, |zone, from, to| {
        plain(zone, from, to, MINUTE, &mut hour_begins(zone))
    });
}

#[test]
fn days_in_every_zone() {
    every_zone(Granularity::Day, 5 * DAY, |zone, from, to| {
        plain(zone, from, to, 15 * MINUTE, &mut unit_begins(Granularity::Day, zone, from))
    });
}

#[test]
fn weeks_in_every_zone() {
    every_zone(Granularity::Week, 20 * DAY, |zone, from, to| {
        plain(zone, from, to, HOUR, &mut unit_begins(Granularity::Week, zone, from))
    });
}

#[test]
fn months_in_every_zone() {
    every_zone(Granularity::Month, 70 * DAY, |zone, from, to| {
        plain(zone, from, to, HOUR, &mut unit_begins(Granularity::Month, zone, from))
    });
}

#[test]
fn every_bucket_lies_within_one_of_each_coarser_granularity() {
    for zone in TZ_VARIANTS {
        let instants = utc_second(1850)..utc_second(2099);
        runner()
            .run(&(instants, any::<bool>()), |(at, near_change)| {
                let from = middle(zone, at, near_change) - DAY;
                for (fine, coarse) in [
                    (Granularity::Hour, Granularity::Day),
                    (Granularity::Day, Granularity::Week),
                    (Granularity::Day, Granularity::Month),
                ] {
                    let bounds = boundaries(fine, zone, utc(from), utc(from + 3 * DAY), 1000).unwrap();
                    for pair in bounds.windows(2) {
                        let start = bucket_start(coarse, zone, pair[0]);
                        prop_assert_eq!(bucket_end(coarse, zone, start), bucket_end(coarse, zone, pair[0]));
                        prop_assert!(pair[1] <= bucket_end(coarse, zone, start));
                    }
                }
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn a_long_list_is_what_single_steps_give() {
    for zone in [Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::Asia__Gaza, Tz::Africa__Casablanca] {
        let from = utc(utc_second(2026));
        let to = from + Days::new(420);
        let bounds = boundaries(Granularity::Hour, zone, from, to, 11_000).unwrap();
        let mut step = bounds[0];
        for bound in &bounds {
            assert_eq!(step, *bound, "{zone}");
            step = bucket_end(Granularity::Hour, zone, step);
        }
        assert!(bounds.len() > 10_000);
    }
}
