//! The clock on the wall of a time zone, in whole seconds: offset lookups, and the way from local time back to
//! instants. Seconds are enough, because every change of every zone falls on one.

use chrono::{DateTime, NaiveDate, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// Seconds of a day that no clock change touches.
pub(super) const DAY: i64 = 86_400;

/// How far apart two looks at a zone's offset may lie without missing a change that was taken back in between. The
/// closest two changes in the tz database are a week apart (Brazil's north-east in October 2000).
const STEP: i64 = 3 * DAY;

/// No zone is this far from UTC.
const MAX_OFFSET: i64 = DAY;

/// A stretch of instants `[start, end)` with one offset. Neighbours differ in their offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) offset: i64,
}

/// The stretches that make up `[from, to)`, in order.
pub(super) struct Stretches {
    zone: Tz,
    from: i64,
    to: i64,
}

impl Stretches {
    pub(super) const fn new(zone: Tz, from: i64, to: i64) -> Self {
        Self { zone, from, to }
    }
}

impl Iterator for Stretches {
    type Item = Stretch;

    fn next(&mut self) -> Option<Stretch> {
        if self.from >= self.to {
            return None;
        }
        let start = self.from;
        let offset = offset_at(self.zone, start);
        let mut known = start;
        while known < self.to {
            let probe = known.saturating_add(STEP).min(self.to);
            if offset_at(self.zone, probe) != offset {
                known = first_change(self.zone, offset, known, probe);
                break;
            }
            known = probe;
        }
        self.from = known;
        Some(Stretch { start, end: known, offset })
    }
}

/// The first instant in `(before, after]` whose offset isn't `offset`; there is one change between the two.
fn first_change(zone: Tz, offset: i64, mut before: i64, mut after: i64) -> i64 {
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if offset_at(zone, middle) == offset {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

/// The instant of that second; the calendar's first or last one where it lies outside.
pub(super) fn utc(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap_or(if second < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

/// Seconds east of UTC.
pub(super) fn offset_at(zone: Tz, instant: i64) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&utc(instant).naive_utc()).fix().local_minus_utc())
}

/// What the clock shows at that instant, as seconds since 1970-01-01T00:00 of the local calendar.
pub(super) fn local_at(zone: Tz, instant: i64) -> i64 {
    instant.saturating_add(offset_at(zone, instant))
}

/// The local time that the clock has reached by that instant: what it shows, or where it was put back within the day
/// before, what it would show had it not been.
pub(super) fn reached_by(zone: Tz, instant: i64) -> i64 {
    Stretches::new(zone, instant.saturating_sub(MAX_OFFSET), instant.saturating_add(1))
        .map(|stretch| stretch.end.min(instant) + stretch.offset)
        .max()
        .unwrap_or(instant)
}

/// The date in that local time.
pub(super) fn date_of(local: i64) -> NaiveDate {
    utc(local).date_naive()
}

/// The local time of the date's midnight.
pub(super) fn midnight(date: NaiveDate) -> i64 {
    date.and_time(NaiveTime::MIN).and_utc().timestamp()
}

/// The first instant at which the clock shows `local` or later. Where `local` is skipped, that is the change which
/// skips it; where it comes twice, the first of the two.
pub(super) fn first_at(zone: Tz, local: i64) -> i64 {
    let horizon = local.saturating_add(MAX_OFFSET);
    Stretches::new(zone, local.saturating_sub(MAX_OFFSET), horizon)
        .map(|stretch| (stretch, stretch.start.max(local - stretch.offset)))
        .find(|(stretch, candidate)| *candidate < stretch.end)
        .map_or(horizon, |(_, candidate)| candidate)
}

/// The stretches of instants `[start, end)` in which the clock runs through local times in `[from, to)`, in order:
/// none where they are skipped, two where they are repeated. Going on within them after a forward change is one
/// stretch; a clock that is put back begins another one.
pub(super) fn occurrences(zone: Tz, from: i64, to: i64) -> Vec<(i64, i64)> {
    let mut found: Vec<(i64, i64)> = Vec::with_capacity(2);
    let mut previous: Option<Stretch> = None;
    for stretch in Stretches::new(zone, from.saturating_sub(MAX_OFFSET), to.saturating_add(MAX_OFFSET)) {
        let start = stretch.start.max(from - stretch.offset);
        let end = stretch.end.min(to - stretch.offset);
        if start < end {
            let forward = previous.is_some_and(|previous| previous.offset < stretch.offset);
            match found.last_mut() {
                Some(last) if forward && last.1 == start => last.1 = end,
                _ => found.push((start, end)),
            }
        }
        previous = Some(stretch);
    }
    found
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America::New_York, Asia::Seoul, Australia::Lord_Howe};

    use super::*;

    fn instant(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp()
    }

    fn local(text: &str) -> i64 {
        text.parse::<chrono::NaiveDateTime>().unwrap().and_utc().timestamp()
    }

    #[test]
    fn stretches_end_where_the_offset_changes() {
        let found: Vec<_> =
            Stretches::new(New_York, instant("2026-01-01T00:00:00Z"), instant("2027-01-01T00:00:00Z"))
                .collect();
        let ends: Vec<_> = found.iter().map(|stretch| utc(stretch.end).to_rfc3339()).collect();
        assert_eq!(
            ends,
            ["2026-03-08T07:00:00+00:00", "2026-11-01T06:00:00+00:00", "2027-01-01T00:00:00+00:00"]
        );
        assert_eq!(found.iter().map(|stretch| stretch.offset / 3600).collect::<Vec<_>>(), [-5, -4, -5]);
    }

    #[test]
    fn a_skipped_local_time_is_reached_by_the_change() {
        assert_eq!(first_at(New_York, local("2026-03-08T02:30:00")), instant("2026-03-08T07:00:00Z"));
        assert_eq!(first_at(New_York, local("2026-11-01T01:30:00")), instant("2026-11-01T05:30:00Z"));
        assert_eq!(first_at(Seoul, local("2026-01-05T00:00:00")), instant("2026-01-04T15:00:00Z"));
    }

    #[test]
    fn a_clock_that_is_put_back_has_been_further() {
        for (text, reached) in [
            ("2026-11-01T05:30:00Z", "2026-11-01T01:30:00"),
            ("2026-11-01T06:00:00Z", "2026-11-01T02:00:00"),
            ("2026-11-01T06:30:00Z", "2026-11-01T02:00:00"),
            ("2026-11-01T07:30:00Z", "2026-11-01T02:30:00"),
            ("2026-03-08T07:00:00Z", "2026-03-08T03:00:00"),
        ] {
            assert_eq!(reached_by(New_York, instant(text)), local(reached), "{text}");
        }
    }

    #[test]
    fn occurrences_of_skipped_repeated_and_halved_hours() {
        let hour = |zone, text| {
            let from = local(text);
            occurrences(zone, from, from + 3600)
                .into_iter()
                .map(|(start, end)| (utc(start).format("%dT%H:%M").to_string(), (end - start) / 60))
                .collect::<Vec<_>>()
        };
        assert_eq!(hour(New_York, "2026-03-08T02:00:00"), []);
        assert_eq!(
            hour(New_York, "2026-11-01T01:00:00"),
            [("01T05:00".to_owned(), 60), ("01T06:00".to_owned(), 60)]
        );
        assert_eq!(hour(Lord_Howe, "2026-10-04T02:00:00"), [("03T15:30".to_owned(), 30)]);
        assert_eq!(
            hour(Lord_Howe, "2026-04-05T01:00:00"),
            [("04T14:00".to_owned(), 60), ("04T15:00".to_owned(), 30)]
        );
    }
}
