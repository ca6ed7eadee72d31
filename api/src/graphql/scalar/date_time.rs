use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{Datelike, SecondsFormat, Timelike, Utc};

use crate::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateTime(pub(crate) chrono::DateTime<Utc>);

fn read(value: &Value) -> Option<chrono::DateTime<Utc>> {
    let Value::String(text) = value else { return None };
    let instant = chrono::DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    // The year has four digits, as RFC 3339 has it, but an offset may lead out of them.
    (0..=9_999).contains(&instant.year()).then_some(instant)
}

/// An instant, RFC 3339 in UTC with a Z, e.g. `2026-01-05T09:00:00Z`. Input takes any offset.
#[Scalar(specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        read(&value).map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        read(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl DateTime {
    /// Writes it as JSON. Whole seconds, as buckets begin and end with, need no formatter.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let at = self.0;
        let year = u32::try_from(at.year()).ok().filter(|year| *year <= 9_999 && at.nanosecond() == 0);
        let Some(year) = year else {
            return json::write_plain(at.to_rfc3339_opts(SecondsFormat::AutoSi, true), out);
        };
        let parts = [
            (year / 100, b'"'),
            (year % 100, 0),
            (at.month(), b'-'),
            (at.day(), b'-'),
            (at.hour(), b'T'),
            (at.minute(), b':'),
            (at.second(), b':'),
        ];
        for (number, before) in parts {
            if before != 0 {
                out.push(before);
            }
            let digit = |number: u32| b'0' + u8::try_from(number % 10).unwrap_or_default();
            out.extend_from_slice(&[digit(number / 10), digit(number)]);
        }
        out.extend_from_slice(b"Z\"");
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(instant: chrono::DateTime<Utc>) -> Self {
        Self(instant)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_written_as_it_is_resolved(
            seconds in -70_000_000_000_i64..260_000_000_000,
            nanos in prop_oneof![Just(0), Just(500_000_000), 0..1_000_000_000_u32],
        ) {
            let instant = DateTime(chrono::DateTime::from_timestamp(seconds, nanos).unwrap());
            let (mut written, mut resolved) = (Vec::new(), Vec::new());
            instant.write(&mut written);
            json::write(&instant.to_value(), &mut resolved);
            prop_assert_eq!(String::from_utf8(written), String::from_utf8(resolved));
        }
    }
}
