use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{
    IsoDuration, Window,
    calendar::{boundaries, bucket_end, bucket_start, buckets_before},
};
use crate::domain::Granularity;

/// The most buckets that one answer holds.
pub const MAX_BUCKETS: usize = 11_000;

/// The years that a range may touch. Within them every bound has a year of four digits, also those of the period that
/// it is compared with, which reaches [`MAX_BUCKETS`] months further back at most.
const YEARS: RangeInclusive<i32> = 1_000..=9_999;

/// The buckets of a live timeline that names no range.
pub const LIVE_BUCKETS: usize = 60;

/// The range that a client asks for. All absent: everything that is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RangeInput {
    /// That long, ending now or at `to`. Not together with `from`.
    pub last: Option<IsoDuration>,
    /// The first instant asked for. Absent: the first stored bucket.
    pub from: Option<DateTime<Utc>>,
    /// The first instant no longer asked for. Absent: now where `last` or `from` is given, else the end of the last
    /// stored bucket.
    pub to: Option<DateTime<Utc>>,
}

/// What is stored, as the starts of the first and the last minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Start of the first stored bucket.
    pub first: DateTime<Utc>,
    /// Start of the last stored bucket.
    pub last: DateTime<Utc>,
}

/// Why a range can't be answered. The texts are for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Both ways of saying where the range begins.
    #[error("range: give either `last` (ending now or at `to`) or `from`, not both")]
    LastWithFrom,
    /// The range holds no instant.
    #[error("range: `from` ({from}) must lie before {} ({to})", if *.to_is_now { "now, where no `to` is given" } else { "`to`" })]
    FromNotBeforeTo {
        /// As given.
        from: DateTime<Utc>,
        /// As given, or now.
        to: DateTime<Utc>,
        /// Whether `to` is now.
        to_is_now: bool,
    },
    /// It touches a year that is not counted.
    #[error("range: reaches beyond the years {} to {}, which are allowed", YEARS.start(), YEARS.end())]
    BeyondCalendar,
    /// More buckets than one answer holds.
    #[error("the range holds more than {MAX_BUCKETS} buckets of {granularity}; {}", advice(*.fits))]
    TooManyBuckets {
        /// As asked for.
        granularity: Granularity,
        /// The finest granularity in which the range fits.
        fits: Option<Granularity>,
    },
}

fn advice(fits: Option<Granularity>) -> String {
    fits.map_or_else(
        || "no granularity fits, so ask for a shorter range".to_owned(),
        |fits| format!("the finest granularity that fits is {fits}, or ask for a shorter range"),
    )
}

impl RangeInput {
    /// Whether [`RangeInput::resolve`] asks for what is stored.
    #[must_use]
    pub const fn needs_extent(&self) -> bool {
        self.last.is_none() && self.from.is_none()
    }

    /// The buckets that the range touches: its first instant goes back to the start of a bucket, its end forward to the
    /// end of one.
    ///
    /// - Nothing given: from the first stored bucket to the last.
    /// - `last`: that long on the zone's calendar, ending at `to`, or now.
    /// - `from` without `to`: up to now.
    /// - `to` alone: from the first stored bucket.
    ///
    /// Where what is stored decides and there is nothing (before `to`), the window is empty, at the running bucket or
    /// at that of `to`.
    ///
    /// # Errors
    /// [`RangeError`] where the range contradicts itself or holds more than [`MAX_BUCKETS`].
    pub fn resolve(
        &self,
        granularity: Granularity,
        zone: Tz,
        now: DateTime<Utc>,
        stored: Option<Extent>,
    ) -> Result<Window, RangeError> {
        if [self.from, self.to].into_iter().flatten().any(|bound| !YEARS.contains(&bound.year())) {
            return Err(RangeError::BeyondCalendar);
        }
        let (from, to) = match (self.last, self.from, self.to) {
            (Some(_), Some(_), _) => return Err(RangeError::LastWithFrom),
            (Some(last), None, to) => {
                let to = to.unwrap_or(now);
                (last.before(to, zone).ok_or(RangeError::BeyondCalendar)?, to)
            }
            (None, Some(from), to) => {
                let end = to.unwrap_or(now);
                if from >= end {
                    return Err(RangeError::FromNotBeforeTo { from, to: end, to_is_now: to.is_none() });
                }
                (from, end)
            }
            (None, None, to) => {
                let range = stored
                    .map(|extent| (extent.first, to.unwrap_or_else(|| extent.last + TimeDelta::minutes(1))));
                match range {
                    Some((from, to)) if from < to => (from, to),
                    _ => {
                        let at = bucket_start(granularity, zone, to.unwrap_or(now));
                        return Ok(Window::empty(granularity, zone, at));
                    }
                }
            }
        };
        window(granularity, zone, from, to)
    }

    /// Until when the range, as resolved to `window` at `now`, gives the same window with the same buckets over; `None`:
    /// for ever.
    #[must_use]
    pub fn holds_until(&self, window: &Window, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (granularity, zone) = (window.granularity(), window.zone());
        if self.to.is_some() && window.to() <= now {
            return None;
        }
        // Then the running bucket is over.
        let end = bucket_end(granularity, zone, now);
        let (Some(last), None) = (self.last, self.to) else { return Some(end) };
        // The begin of the range moves on with the time too, never back, but not where a bucket of now ends.
        let is_another = |millis: i64| {
            let begin = last.before(now + TimeDelta::milliseconds(millis), zone);
            begin.is_none_or(|begin| bucket_start(granularity, zone, begin) != window.from())
        };
        let (mut stays, mut moved) = (0, (end - now).num_milliseconds() - 1);
        if !is_another(moved) {
            return Some(end);
        }
        while moved - stays > 1 {
            let middle = i64::midpoint(stays, moved);
            if is_another(middle) { moved = middle } else { stays = middle }
        }
        Some(now + TimeDelta::milliseconds(stays))
    }
}

fn window(
    granularity: Granularity,
    zone: Tz,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Window, RangeError> {
    let is_counted = YEARS.contains(&bucket_start(granularity, zone, from).year())
        && YEARS.contains(&bucket_end(granularity, zone, to - TimeDelta::nanoseconds(1)).year());
    if !is_counted {
        return Err(RangeError::BeyondCalendar);
    }
    let fitting = |granularity| boundaries(granularity, zone, from, to, MAX_BUCKETS).ok();
    match fitting(granularity) {
        Some(bounds) => Ok(Window::new(granularity, zone, bounds)),
        None => Err(RangeError::TooManyBuckets {
            granularity,
            fits: Granularity::ALL
                .into_iter()
                .find(|coarser| *coarser > granularity && fitting(*coarser).is_some()),
        }),
    }
}

/// The window of a live timeline that names no range: the last [`LIVE_BUCKETS`] up to and including the running one.
#[must_use]
pub fn live_default(now: DateTime<Utc>, granularity: Granularity, zone: Tz) -> Window {
    let end = bucket_end(granularity, zone, now);
    Window::new(granularity, zone, buckets_before(granularity, zone, end, LIVE_BUCKETS))
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America::New_York, Asia::Seoul, UTC};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn input(last: Option<&str>, from: Option<&str>, to: Option<&str>) -> RangeInput {
        RangeInput { last: last.map(|text| text.parse().unwrap()), from: from.map(at), to: to.map(at) }
    }

    const NOW: &str = "2026-01-05T10:30:00Z";

    fn resolve(
        input: RangeInput,
        granularity: Granularity,
        stored: Option<(&str, &str)>,
    ) -> Result<Window, RangeError> {
        let stored = stored.map(|(first, last)| Extent { first: at(first), last: at(last) });
        input.resolve(granularity, UTC, at(NOW), stored)
    }

    #[track_caller]
    fn assert_window(window: &Window, from: &str, to: &str, buckets: usize) {
        assert_eq!((window.from(), window.to(), window.len()), (at(from), at(to), buckets));
    }

    #[test]
    fn last_ends_now_or_at_to_and_takes_whole_buckets() {
        let window = resolve(input(Some("PT1H"), None, None), Granularity::Hour, None).unwrap();
        assert_window(&window, "2026-01-05T09:00:00Z", "2026-01-05T11:00:00Z", 2);
        let window =
            resolve(input(Some("P7D"), None, Some("2026-01-05T00:00:00Z")), Granularity::Day, None).unwrap();
        assert_window(&window, "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z", 7);
    }

    #[test]
    fn from_and_to_widen_to_their_buckets() {
        let range = input(None, Some("2026-01-01T05:59:00Z"), Some("2026-01-01T07:00:00.001Z"));
        let window = resolve(range, Granularity::Hour, None).unwrap();
        assert_window(&window, "2026-01-01T05:00:00Z", "2026-01-01T08:00:00Z", 3);
        let window =
            resolve(input(None, Some("2026-01-05T00:00:00Z"), None), Granularity::Hour, None).unwrap();
        assert_window(&window, "2026-01-05T00:00:00Z", "2026-01-05T11:00:00Z", 11);
    }

    #[test]
    fn what_is_stored_decides_where_nothing_is_said() {
        let stored = Some(("2026-01-03T23:59:00Z", "2026-01-04T01:00:00Z"));
        assert!(RangeInput::default().needs_extent());
        let window = resolve(RangeInput::default(), Granularity::Hour, stored).unwrap();
        assert_window(&window, "2026-01-03T23:00:00Z", "2026-01-04T02:00:00Z", 3);
        let until = input(None, None, Some("2026-01-04T01:00:00Z"));
        assert!(until.needs_extent());
        assert_window(
            &resolve(until, Granularity::Hour, stored).unwrap(),
            "2026-01-03T23:00:00Z",
            "2026-01-04T01:00:00Z",
            2,
        );
    }

    #[test]
    fn nothing_stored_is_an_empty_window() {
        let window = resolve(RangeInput::default(), Granularity::Hour, None).unwrap();
        assert_window(&window, "2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z", 0);
        let until = input(None, None, Some("2026-01-02T03:04:05Z"));
        let empty = ("2026-01-02T03:00:00Z", "2026-01-02T03:00:00Z");
        assert_window(&resolve(until, Granularity::Hour, None).unwrap(), empty.0, empty.1, 0);
        let later = Some(("2026-01-03T00:00:00Z", "2026-01-03T00:00:00Z"));
        assert_window(&resolve(until, Granularity::Hour, later).unwrap(), empty.0, empty.1, 0);
    }

    #[test]
    fn years_of_four_digits_are_counted() {
        for range in [
            input(None, Some("0999-12-31T23:59:59Z"), Some("1000-01-02T00:00:00Z")),
            input(None, None, Some("0001-01-01T00:00:00Z")),
            input(Some("P1D"), None, Some("1000-01-01T12:00:00Z")),
            input(None, Some("9999-12-31T00:00:00Z"), Some("9999-12-31T23:30:00Z")),
        ] {
            assert_eq!(resolve(range, Granularity::Hour, None), Err(RangeError::BeyondCalendar), "{range:?}");
        }
        let last = input(None, Some("9999-12-31T00:00:00Z"), Some("9999-12-31T23:00:00Z"));
        let window = resolve(last, Granularity::Hour, None).unwrap();
        assert_window(&window, "9999-12-31T00:00:00Z", "9999-12-31T23:00:00Z", 23);
        let first = input(None, Some("1000-01-01T00:00:00Z"), Some("1000-01-01T01:00:00Z"));
        assert_window(
            &resolve(first, Granularity::Month, None).unwrap(),
            "1000-01-01T00:00:00Z",
            "1000-02-01T00:00:00Z",
            1,
        );
        // The Monday of its week lies in the year before.
        assert_eq!(resolve(first, Granularity::Week, None), Err(RangeError::BeyondCalendar));
    }

    #[test]
    fn contradictions_are_refused() {
        let both = input(Some("PT1H"), Some("2026-01-01T00:00:00Z"), None);
        assert_eq!(resolve(both, Granularity::Hour, None), Err(RangeError::LastWithFrom));
        let same = input(None, Some("2026-01-01T00:00:00Z"), Some("2026-01-01T00:00:00Z"));
        assert_eq!(
            resolve(same, Granularity::Hour, None).unwrap_err().to_string(),
            "range: `from` (2026-01-01 00:00:00 UTC) must lie before `to` (2026-01-01 00:00:00 UTC)"
        );
        let future = input(None, Some("2026-01-06T00:00:00Z"), None);
        assert_eq!(
            resolve(future, Granularity::Hour, None).unwrap_err().to_string(),
            "range: `from` (2026-01-06 00:00:00 UTC) must lie before now, where no `to` is given (2026-01-05 10:30:00 UTC)"
        );
        let ancient = RangeInput {
            last: Some("P1Y".parse().unwrap()),
            from: None,
            to: Some(DateTime::<Utc>::MIN_UTC + TimeDelta::days(2)),
        };
        assert!(matches!(resolve(ancient, Granularity::Hour, None), Err(RangeError::BeyondCalendar)));
    }

    #[test]
    fn too_many_buckets_name_the_finest_granularity_that_fits() {
        let fits = |range| match resolve(range, Granularity::Minute, None) {
            Err(RangeError::TooManyBuckets { granularity: Granularity::Minute, fits }) => fits,
            other => panic!("{other:?}"),
        };
        assert_eq!(fits(input(Some("P8D"), None, None)), Some(Granularity::Hour));
        assert_eq!(fits(input(Some("P2Y"), None, None)), Some(Granularity::Day));
        assert_eq!(fits(input(Some("P50Y"), None, None)), Some(Granularity::Week));
        assert_eq!(fits(input(None, Some("1500-01-01T00:00:00Z"), None)), Some(Granularity::Month));
        assert_eq!(fits(input(None, Some("1000-01-01T00:00:00Z"), None)), None);
        assert_eq!(
            resolve(input(Some("P8D"), None, None), Granularity::Minute, None).unwrap_err().to_string(),
            "the range holds more than 11000 buckets of MINUTE; the finest granularity that fits is HOUR, or ask for a \
             shorter range"
        );
        let largest = input(None, Some("2026-01-01T00:00:00Z"), Some("2026-01-08T15:20:00Z"));
        assert_eq!(resolve(largest, Granularity::Minute, None).unwrap().len(), MAX_BUCKETS);
    }

    #[test]
    fn a_range_holds_until_its_first_or_its_running_bucket_changes() {
        let until = |range: RangeInput, granularity, zone| {
            let window = range.resolve(granularity, zone, at(NOW), None).unwrap();
            range.holds_until(&window, at(NOW))
        };
        let range = input(None, Some("2026-01-01T00:00:00Z"), Some("2026-01-05T10:00:00Z"));
        assert_eq!(until(range, Granularity::Hour, UTC), None);
        let range = input(None, Some("2026-01-01T00:00:00Z"), Some("2026-01-05T10:01:00Z"));
        assert_eq!(until(range, Granularity::Hour, UTC), Some(at("2026-01-05T11:00:00Z")));
        let range = input(None, Some("2026-01-01T00:00:00Z"), None);
        assert_eq!(until(range, Granularity::Day, Seoul), Some(at("2026-01-05T15:00:00Z")));
        let days = input(Some("P7D"), None, None);
        assert_eq!(until(days, Granularity::Day, Seoul), Some(at("2026-01-05T15:00:00Z")));
        // It begins in the bucket of 09:00 until 11:10.
        let odd = input(Some("PT1H10M"), None, None);
        assert_eq!(until(odd, Granularity::Hour, UTC), Some(at("2026-01-05T11:00:00Z")));
        let odd = input(Some("PT1H45M"), None, None);
        assert_eq!(until(odd, Granularity::Hour, UTC), Some(at("2026-01-05T10:44:59.999Z")));
    }

    #[test]
    fn what_holds_until_an_instant_is_another_one_from_then_on() {
        let now = at("2026-10-31T22:17:31.250Z");
        for last in ["PT1M", "PT17M", "PT90S", "PT59M30.5S", "PT25H", "P1D", "P1DT7H", "P1W", "P1M", "P2Y"] {
            for granularity in Granularity::ALL {
                for zone in [UTC, Seoul, New_York, chrono_tz::Australia::Lord_Howe] {
                    let range = input(Some(last), None, None);
                    let Ok(window) = range.resolve(granularity, zone, now, None) else { continue };
                    let until = range.holds_until(&window, now).unwrap();
                    assert!(until >= now, "{last} {granularity} {zone}");
                    let just_before = until - TimeDelta::milliseconds(1);
                    if just_before > now {
                        assert_eq!(range.resolve(granularity, zone, just_before, None), Ok(window.clone()));
                    }
                    let later = range.resolve(granularity, zone, until + TimeDelta::milliseconds(2), None);
                    assert_ne!(later, Ok(window), "{last} {granularity} {zone}");
                }
            }
        }
    }

    #[test]
    fn live_shows_the_last_sixty_buckets_with_the_running_one() {
        assert_window(
            &live_default(at(NOW), Granularity::Minute, UTC),
            "2026-01-05T09:31:00Z",
            "2026-01-05T10:31:00Z",
            60,
        );
        assert_window(
            &live_default(at(NOW), Granularity::Day, Seoul),
            "2025-11-06T15:00:00Z",
            "2026-01-05T15:00:00Z",
            60,
        );
        // 60 hours over the night of the change to winter time, which has 25.
        assert_window(
            &live_default(at("2026-11-02T04:30:00Z"), Granularity::Hour, New_York),
            "2026-10-30T17:00:00Z",
            "2026-11-02T05:00:00Z",
            60,
        );
        assert_window(
            &live_default(at(NOW), Granularity::Month, UTC),
            "2021-02-01T00:00:00Z",
            "2026-02-01T00:00:00Z",
            60,
        );
    }
}
