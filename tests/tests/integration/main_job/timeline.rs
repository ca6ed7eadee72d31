//! The timeline of an event in coarser buckets, in plain code, for zones whose offset never changes.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, Duration, Months, NaiveDateTime, NaiveTime, Timelike as _};

use crate::judge::reference::Bucket;

/// A granularity's name in the API, with a zone and its offset from UTC in minutes.
pub(super) const VIEWS: [(&str, &str, i64); 6] = [
    ("MINUTE", "UTC", 0),
    ("HOUR", "Asia/Seoul", 540),
    // Hours of a zone that is half an hour off begin at half past.
    ("HOUR", "Asia/Kolkata", 330),
    ("DAY", "Asia/Seoul", 540),
    ("WEEK", "Asia/Seoul", 540),
    ("MONTH", "Asia/Seoul", 540),
];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) start: NaiveDateTime,
    pub(super) end: NaiveDateTime,
    pub(super) participants: i32,
    pub(super) cumulative_participants: i32,
}

/// All buckets from the first to the last stored one, gaps filled; `buckets` are those of one event.
pub(super) fn points(
    buckets: &BTreeMap<NaiveDateTime, &Bucket>,
    granularity: &str,
    offset: i64,
) -> Vec<Point> {
    let offset = Duration::minutes(offset);
    let mut sums: BTreeMap<NaiveDateTime, i32> = BTreeMap::new();
    for (minute, bucket) in buckets {
        *sums.entry(floor(*minute + offset, granularity)).or_default() += bucket.participants;
    }
    let (Some((first, _)), Some((last, _))) = (sums.first_key_value(), sums.last_key_value()) else {
        return Vec::new();
    };
    let starts = std::iter::successors(Some(*first), |start| Some(next(*start, granularity)));
    let mut cumulative = 0;
    starts
        .take_while(|start| start <= last)
        .map(|start| {
            let participants = sums.get(&start).copied().unwrap_or_default();
            cumulative += participants;
            Point {
                start: start - offset,
                end: next(start, granularity) - offset,
                participants,
                cumulative_participants: cumulative,
            }
        })
        .collect()
}

fn floor(local: NaiveDateTime, granularity: &str) -> NaiveDateTime {
    let minute = local.with_second(0).unwrap().with_nanosecond(0).unwrap();
    let day = local.date();
    match granularity {
        "MINUTE" => minute,
        "HOUR" => minute.with_minute(0).unwrap(),
        "DAY" => day.and_time(NaiveTime::MIN),
        "WEEK" => (day - Days::new(day.weekday().num_days_from_monday().into())).and_time(NaiveTime::MIN),
        _ => day.with_day(1).unwrap().and_time(NaiveTime::MIN),
    }
}

fn next(start: NaiveDateTime, granularity: &str) -> NaiveDateTime {
    match granularity {
        "MINUTE" => start + Duration::minutes(1),
        "HOUR" => start + Duration::hours(1),
        "DAY" => start + Days::new(1),
        "WEEK" => start + Days::new(7),
        _ => start + Months::new(1),
    }
}
