//! When people take part, in whole numbers: weights, and parts of a thousand.

use chrono::{DateTime, Datelike as _, Days, FixedOffset, NaiveDate, TimeDelta, Timelike as _, Utc, Weekday};
use rand::Rng;

const SEOUL_HOURS: i64 = 9;
const HOUR_SECONDS: i64 = 3_600;

/// By the hour of Seoul's clock: quiet nights, a rise at lunch, most after work.
const HOURS: [u32; 24] =
    [14, 8, 5, 3, 3, 5, 12, 26, 44, 52, 55, 62, 84, 78, 60, 56, 58, 66, 82, 98, 112, 108, 76, 36];

/// By the day of a campaign's life, per mille: it catches on, and wears off.
const LIFE: [u32; 20] = [
    600, 1_400, 2_000, 1_900, 1_700, 1_500, 1_300, 1_200, 1_100, 1_000, 900, 850, 800, 750, 700, 650, 600,
    600, 650, 900,
];

/// How many days a campaign is active.
pub(super) const ACTIVE_DAYS: i64 = 20;

/// Seoul's calendar day of an instant.
pub(super) fn day_of(instant: DateTime<Utc>) -> NaiveDate {
    (instant.naive_utc() + TimeDelta::hours(SEOUL_HOURS)).date()
}

/// When a day begins in Seoul.
pub(super) fn start_of(day: NaiveDate) -> DateTime<Utc> {
    (day.and_time(chrono::NaiveTime::MIN) - TimeDelta::hours(SEOUL_HOURS)).and_utc()
}

/// Days are counted from 1970-01-01.
pub(super) fn number_of(day: NaiveDate) -> i64 {
    i64::from(day.num_days_from_ce()) - i64::from(NaiveDate::default().num_days_from_ce())
}

/// The day of a number.
pub(super) fn day_at(number: i64) -> NaiveDate {
    let epoch = NaiveDate::default();
    epoch.checked_add_days(Days::new(number.max(0).unsigned_abs())).unwrap_or(epoch)
}

/// How much people take part on a day of a campaign's life, per mille; nothing outside it.
pub(super) fn life(age: i64) -> u32 {
    usize::try_from(age).ok().and_then(|age| LIFE.get(age)).copied().unwrap_or(0)
}

/// How much they take part on a day of the week, per mille.
pub(super) fn weekday(day: NaiveDate) -> u32 {
    match day.weekday() {
        Weekday::Mon | Weekday::Tue => 900,
        Weekday::Wed => 950,
        Weekday::Thu => 1_000,
        Weekday::Fri => 1_150,
        Weekday::Sat => 1_250,
        Weekday::Sun => 1_100,
    }
}

/// An instant of a day, as likely as people are awake.
pub(super) fn instant(day: NaiveDate, generator: &mut impl Rng) -> DateTime<Utc> {
    let mut rest = generator.random_range(0..HOURS.iter().sum::<u32>());
    let mut hour = 0;
    for weight in HOURS {
        if rest < weight {
            break;
        }
        rest -= weight;
        hour += 1;
    }
    start_of(day)
        + TimeDelta::milliseconds(
            hour * HOUR_SECONDS * 1_000 + generator.random_range(0..HOUR_SECONDS * 1_000),
        )
}

/// Tells an instant as the producing services would: with milliseconds, in Seoul's time.
pub(super) fn tell(instant: DateTime<Utc>) -> String {
    FixedOffset::east_opt(i32::try_from(SEOUL_HOURS * HOUR_SECONDS).unwrap_or(0)).map_or_else(
        || instant.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        |seoul| instant.with_timezone(&seoul).to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    )
}

/// `instant` without its fraction of a second.
pub(super) fn whole_second(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.with_nanosecond(0).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::seed::{Stream, generator};

    #[test]
    fn days_are_seouls() {
        let evening: DateTime<Utc> = "2026-01-04T15:00:00Z".parse().unwrap();
        let day = day_of(evening);
        assert_eq!(day, NaiveDate::from_ymd_opt(2026, 1, 5).unwrap());
        assert_eq!(start_of(day), evening);
        assert_eq!(day_at(number_of(day)), day);
        assert_eq!(number_of(NaiveDate::default()), 0);
        assert_eq!(tell(evening), "2026-01-05T00:00:00.000+09:00");
    }

    #[test]
    fn instants_lie_in_their_day_and_follow_its_rhythm() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap();
        let mut generator = generator(1, Stream::Day, 0, 0);
        let mut by_hour = [0; 24];
        for _ in 0..10_000 {
            let instant = instant(day, &mut generator);
            assert_eq!(day_of(instant), day);
            let hour = usize::try_from((instant - start_of(day)).num_hours()).unwrap();
            by_hour[hour] += 1;
        }
        assert!(by_hour[20] > 8 * by_hour[3], "{by_hour:?}");
        assert!(by_hour.iter().all(|count| *count > 0));
    }

    #[test]
    fn a_life_is_as_long_as_it_says() {
        assert!(life(ACTIVE_DAYS - 1) > 0);
        assert_eq!((life(-1), life(ACTIVE_DAYS)), (0, 0));
    }
}
