//! The alignment of `service::timeline::compare` against a plain recomputation: name every bucket by what the clock on
//! the wall shows, count the passes of a name, and look for the name of one week or month earlier.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use service::{
    domain::Granularity,
    timeline::{Comparison, RangeInput, Window, bucket_end, bucket_start, compare},
};

/// A date, and where buckets are finer, the hour and the minute; and which pass of it.
type Name = (NaiveDate, u32, u32, usize);

fn shown(granularity: Granularity, zone: Tz, start: DateTime<Utc>) -> (NaiveDate, u32, u32) {
    let local = start.with_timezone(&zone);
    match granularity {
        Granularity::Minute => (local.date_naive(), local.hour(), local.minute()),
        Granularity::Hour => (local.date_naive(), local.hour(), 0),
        _ => (local.date_naive(), 0, 0),
    }
}

/// The names of the buckets in `[from, to)` with their starts. Passes are counted from two days before.
fn names(
    granularity: Granularity,
    zone: Tz,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<(Name, DateTime<Utc>)> {
    let mut passes: HashMap<(NaiveDate, u32, u32), usize> = HashMap::new();
    let mut start = bucket_start(granularity, zone, from - TimeDelta::days(2));
    let mut names = Vec::new();
    while start < to {
        let name = shown(granularity, zone, start);
        let pass = passes.entry(name).or_default();
        if start >= from {
            names.push(((name.0, name.1, name.2, *pass), start));
        }
        *pass += 1;
        start = bucket_end(granularity, zone, start);
    }
    names
}

fn earlier(comparison: Comparison, date: NaiveDate) -> Option<NaiveDate> {
    match comparison {
        Comparison::PreviousWeek => Some(date - Days::new(7)),
        _ => (date.with_day(1).unwrap() - Months::new(1)).with_day(date.day()),
    }
}

fn check(comparison: Comparison, window: &Window) -> Result<(), TestCaseError> {
    let (granularity, zone) = (window.granularity(), window.zone());
    let (compared, alignment) = compare(window, comparison);
    // Wider than what is compared, so that nothing is missing because it was cut off.
    let margin = TimeDelta::days(3);
    let places: HashMap<Name, DateTime<Utc>> =
        names(granularity, zone, compared.from() - margin, compared.to() + margin).into_iter().collect();
    let mut last = None;
    for (index, (name, start)) in names(granularity, zone, window.from(), window.to()).into_iter().enumerate()
    {
        let (date, hour, minute, pass) = name;
        let expected =
            earlier(comparison, date).and_then(|date| places.get(&(date, hour, minute, pass)).copied());
        let found = alignment.compared(index);
        let found_start = found.map(|index| compared.boundaries()[index]);
        prop_assert_eq!(found_start, expected, "{:?} {} {}", comparison, zone, start);
        prop_assert!(found.is_none() || found > last, "{:?} {}", comparison, zone);
        last = found.or(last);
    }
    Ok(())
}

fn run(granularity: Granularity, span: TimeDelta, cases: u32) {
    let instants = 0_i64..4_000_000_000;
    let comparisons = select(vec![Comparison::PreviousWeek, Comparison::PreviousMonth]);
    let zones = select(&TZ_VARIANTS[..]);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&(zones, comparisons, instants), |(zone, comparison, at)| {
            let from = DateTime::from_timestamp(at, 0).unwrap();
            let range = RangeInput { last: None, from: Some(from), to: Some(from + span) };
            check(comparison, &range.resolve(granularity, zone, from, None).unwrap())
        })
        .unwrap();
}

#[test]
fn days_stand_beside_their_own_place() {
    run(Granularity::Day, TimeDelta::days(400), 300);
}

#[test]
fn hours_stand_beside_their_own_place() {
    run(Granularity::Hour, TimeDelta::days(60), 100);
}

#[test]
fn minutes_stand_beside_their_own_place() {
    run(Granularity::Minute, TimeDelta::days(7), 8);
}
