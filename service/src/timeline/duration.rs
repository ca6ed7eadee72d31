use std::{fmt, num::NonZeroU32, str::FromStr};

use chrono::{DateTime, Months, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ixdtf::{
    parsers::IsoDurationParser,
    records::{DurationParseRecord, Fraction, Sign, TimeDurationRecord},
};

use super::zone::{DAY, first_at, local_at, utc};

const NANOS: u64 = 1_000_000_000;
const NANOS_OF_MILLI: u64 = 1_000_000;
const MAX_YEARS: u32 = 100;
const MAX_MONTHS: u32 = MAX_YEARS * 12;
const MAX_DAYS: u64 = 36_525;
const MAX_NANOS: u64 = MAX_DAYS * 24 * 3600 * NANOS;

/// A length of time as ISO 8601 writes it, e.g. `PT15M`, `P7D`, `P1M`, `P1Y2M`, `PT0.25S`: more than zero, at most 100
/// years, in whole milliseconds. Years, months, weeks and days are units of the calendar, the rest is elapsed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IsoDuration {
    months: u32,
    days: u64,
    nanos: u64,
}

/// Why a text is no [`IsoDuration`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// Not the form of ISO 8601.
    #[error("is no ISO 8601 duration; write for example PT15M, P7D, P1M or PT0.25S")]
    Syntax,
    /// Below zero.
    #[error("is negative; only lengths of time above zero are allowed, for example PT15M")]
    Negative,
    /// Nothing.
    #[error("is zero; only lengths of time above zero are allowed, for example PT15M")]
    Zero,
    /// Longer than anything that is stored.
    #[error("is too long; at most {MAX_YEARS} years are allowed (P{MAX_YEARS}Y)")]
    TooLong,
    /// Finer than a millisecond.
    #[error("is too fine; milliseconds are the finest, for example PT0.001S")]
    TooFine,
}

impl IsoDuration {
    /// So much elapsed time.
    #[must_use]
    pub const fn from_millis(millis: NonZeroU32) -> Self {
        Self { months: 0, days: 0, nanos: millis.get() as u64 * NANOS_OF_MILLI }
    }

    /// The length where it is elapsed time only; `None` where it has years, months, weeks or days.
    #[must_use]
    pub const fn elapsed(&self) -> Option<std::time::Duration> {
        if self.months == 0 && self.days == 0 {
            Some(std::time::Duration::from_nanos(self.nanos))
        } else {
            None
        }
    }

    /// The instant that long before `end`: first the months, then the days on the zone's calendar, then the elapsed
    /// time. A month that lacks the day gives its last day; a local time that is skipped gives the instant of the
    /// change, one that is repeated its first pass. `None` before the beginning of the calendar.
    #[must_use]
    pub fn before(&self, end: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let mut start = end;
        if self.months > 0 || self.days > 0 {
            let local = utc(local_at(zone, end.timestamp())).naive_utc();
            let local = local
                .checked_sub_months(Months::new(self.months))?
                .checked_sub_days(chrono::Days::new(self.days))?;
            if local.and_utc().timestamp() < NaiveDateTime::MIN.and_utc().timestamp() + DAY {
                return None;
            }
            start = utc(first_at(zone, local.and_utc().timestamp()))
                + TimeDelta::nanoseconds(i64::from(end.timestamp_subsec_nanos()));
        }
        start.checked_sub_signed(TimeDelta::nanoseconds(i64::try_from(self.nanos).ok()?))
    }
}

/// The parser takes a repeated unit (`P1D2D`) for the last of the two, so that is looked for here.
fn repeats_a_unit(text: &str) -> bool {
    let (date, time) = text.split_once(['T', 't']).unwrap_or((text, ""));
    let repeats = |part: &str, units: &[char]| {
        units.iter().any(|unit| part.chars().filter(|c| c.eq_ignore_ascii_case(unit)).count() > 1)
    };
    repeats(date, &['Y', 'M', 'W', 'D']) || repeats(time, &['H', 'M', 'S'])
}

/// The elapsed part in nanoseconds. A fraction belongs to the smallest unit that is written.
fn nanos_of(time: TimeDurationRecord) -> Result<u64, InvalidDuration> {
    let (hours, minutes, seconds, fraction, unit) = match time {
        TimeDurationRecord::Hours { hours, fraction } => (hours, 0, 0, fraction, 3600),
        TimeDurationRecord::Minutes { hours, minutes, fraction } => (hours, minutes, 0, fraction, 60),
        TimeDurationRecord::Seconds { hours, minutes, seconds, fraction } => {
            (hours, minutes, seconds, fraction, 1)
        }
    };
    let fraction = match fraction.as_ref().map(Fraction::to_nanoseconds) {
        None => 0,
        Some(Some(nanos)) => u64::from(nanos) * unit,
        Some(None) => return Err(InvalidDuration::TooFine),
    };
    let whole = || {
        let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?;
        seconds.checked_mul(NANOS)?.checked_add(fraction)
    };
    whole().ok_or(InvalidDuration::TooLong)
}

impl FromStr for IsoDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let DurationParseRecord { sign, date, time } =
            IsoDurationParser::from_str(text).parse().map_err(|error| match error {
                ixdtf::ParseError::DurationValueExceededRange => InvalidDuration::TooLong,
                _ => InvalidDuration::Syntax,
            })?;
        if repeats_a_unit(text) {
            return Err(InvalidDuration::Syntax);
        }
        if sign == Sign::Negative {
            return Err(InvalidDuration::Negative);
        }
        let date = date.unwrap_or_default();
        let months = date.years.checked_mul(12).and_then(|months| months.checked_add(date.months));
        let days = u64::from(date.weeks).checked_mul(7).and_then(|days| days.checked_add(date.days));
        let nanos = time.map_or(Ok(0), nanos_of)?;
        match (months, days, nanos) {
            (Some(0), Some(0), 0) => Err(InvalidDuration::Zero),
            (_, _, nanos) if !nanos.is_multiple_of(NANOS_OF_MILLI) => Err(InvalidDuration::TooFine),
            (Some(months), Some(days), nanos)
                if months <= MAX_MONTHS && days <= MAX_DAYS && nanos <= MAX_NANOS =>
            {
                Ok(Self { months, days, nanos })
            }
            _ => Err(InvalidDuration::TooLong),
        }
    }
}

impl fmt::Display for IsoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        for (count, unit) in
            [(u64::from(self.months / 12), 'Y'), (u64::from(self.months % 12), 'M'), (self.days, 'D')]
        {
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        let seconds = self.nanos / NANOS;
        let fraction = self.nanos % NANOS;
        if self.nanos > 0 {
            f.write_str("T")?;
        }
        for (count, unit) in [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M')] {
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        match (seconds % 60, fraction) {
            (0, 0) => Ok(()),
            (seconds, 0) => write!(f, "{seconds}S"),
            (seconds, fraction) => write!(f, "{seconds}.{}S", format!("{fraction:09}").trim_end_matches('0')),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        America::{Havana, New_York, Sao_Paulo},
        Asia::Seoul,
        UTC,
    };

    use super::*;

    fn duration(text: &str) -> IsoDuration {
        text.parse().unwrap()
    }

    fn before(text: &str, end: &str, zone: Tz) -> String {
        duration(text)
            .before(end.parse().unwrap(), zone)
            .unwrap()
            .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }

    #[test]
    fn reads_and_writes_what_iso_8601_has() {
        for text in ["PT15M", "P7D", "P1M", "P1Y2M", "PT0.25S", "P100Y", "P1Y2M3DT4H5M6.007S", "PT876600H"] {
            assert_eq!(duration(text).to_string(), text);
        }
        for (text, same) in [
            ("P1W", "P7D"),
            ("P2W1D", "P15D"),
            ("P14M", "P1Y2M"),
            ("PT90M", "PT1H30M"),
            ("PT0.5H", "PT30M"),
            ("PT1.5M", "PT1M30S"),
            ("PT0,1S", "PT0.1S"),
            ("+P1D", "P1D"),
            ("P0YT1S", "PT1S"),
        ] {
            assert_eq!(duration(text).to_string(), same, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, error) in [
            ("", InvalidDuration::Syntax),
            ("P", InvalidDuration::Syntax),
            ("PT", InvalidDuration::Syntax),
            ("P1", InvalidDuration::Syntax),
            ("1D", InvalidDuration::Syntax),
            ("P1H", InvalidDuration::Syntax),
            ("PT1D", InvalidDuration::Syntax),
            ("P1D ", InvalidDuration::Syntax),
            (" P1D", InvalidDuration::Syntax),
            ("P1D2D", InvalidDuration::Syntax),
            ("PT1S2S", InvalidDuration::Syntax),
            ("P1D1Y", InvalidDuration::Syntax),
            ("P0.5D", InvalidDuration::Syntax),
            ("PT1.S", InvalidDuration::Syntax),
            ("P-1D", InvalidDuration::Syntax),
            ("하루", InvalidDuration::Syntax),
            ("15m", InvalidDuration::Syntax),
            ("-P1D", InvalidDuration::Negative),
            ("-P0D", InvalidDuration::Negative),
            ("P0D", InvalidDuration::Zero),
            ("PT0S", InvalidDuration::Zero),
            ("PT0.000S", InvalidDuration::Zero),
            ("P101Y", InvalidDuration::TooLong),
            ("P1201M", InvalidDuration::TooLong),
            ("P36526D", InvalidDuration::TooLong),
            ("PT876601H", InvalidDuration::TooLong),
            ("P4294967295Y", InvalidDuration::TooLong),
            ("P4294967296Y", InvalidDuration::TooLong),
            ("PT18446744073709551615H", InvalidDuration::TooLong),
            ("PT99999999999999999999S", InvalidDuration::TooLong),
            ("PT0.0000000001S", InvalidDuration::TooFine),
            ("PT0.0001S", InvalidDuration::TooFine),
            ("P1DT1.0005S", InvalidDuration::TooFine),
            ("PT0.0000001H", InvalidDuration::TooFine),
        ] {
            assert_eq!(text.parse::<IsoDuration>(), Err(error), "{text}");
        }
    }

    #[test]
    fn is_exact() {
        assert_eq!(IsoDuration::from_millis(250.try_into().unwrap()), duration("PT0.25S"));
        assert_eq!(duration("PT0.1S").elapsed(), Some(std::time::Duration::from_millis(100)));
        assert_eq!(duration("PT16777217S").elapsed(), Some(std::time::Duration::from_secs(16_777_217)));
        assert_eq!(duration("P1D").elapsed(), None);
        assert_eq!(
            before("PT0.001S", "2026-01-05T00:00:00.000000001Z", UTC),
            "2026-01-04T23:59:59.999000001Z"
        );
    }

    #[test]
    fn calendar_parts_follow_the_zone() {
        // Over the night of the change to summer time, 2026-03-08 in New York.
        assert_eq!(before("P1D", "2026-03-08T16:30:00.5Z", New_York), "2026-03-07T17:30:00.500Z");
        assert_eq!(before("PT24H", "2026-03-08T16:30:00Z", New_York), "2026-03-07T16:30:00Z");
        assert_eq!(before("P1M", "2026-03-31T00:00:00Z", UTC), "2026-02-28T00:00:00Z");
        assert_eq!(before("P1M", "2026-03-30T16:00:00Z", Seoul), "2026-02-27T16:00:00Z");
        assert_eq!(before("P1Y2M", "2024-04-29T00:00:00Z", UTC), "2023-02-28T00:00:00Z");
        assert_eq!(before("P1M1DT1H", "2026-03-31T00:30:00Z", UTC), "2026-02-26T23:30:00Z");
        // 2018-11-04T00:30 was skipped in São Paulo; 2026-11-01T00:30 comes twice in Havana.
        assert_eq!(before("P1D", "2018-11-05T02:30:00Z", Sao_Paulo), "2018-11-04T03:00:00Z");
        assert_eq!(before("P1D", "2026-11-02T05:30:00Z", Havana), "2026-11-01T04:30:00Z");
    }

    #[test]
    fn ends_where_the_calendar_begins() {
        assert_eq!(duration("P1D").before(DateTime::<Utc>::MIN_UTC, Seoul), None);
        assert_eq!(duration("PT1S").before(DateTime::<Utc>::MIN_UTC, Seoul), None);
    }
}
