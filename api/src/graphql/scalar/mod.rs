//! The schema's own scalars. Each says in `is_valid` what it takes, so that a wrong value is refused before anything
//! runs, with the argument's name.

mod date_time;
mod decimal;
mod duration;
mod long;
mod time_zone;

pub(crate) use date_time::DateTime;
pub(crate) use decimal::Decimal;
pub(crate) use duration::Duration;
pub(crate) use long::Long;
pub(crate) use time_zone::TimeZone;

/// What a scalar takes, for the client that sent something else.
pub(crate) fn allowed(type_name: &str) -> Option<&'static str> {
    Some(match type_name {
        "DateTime" => {
            "an instant in RFC 3339, of the years 0000 to 9999 in UTC, e.g. \"2026-01-05T09:00:00Z\""
        }
        "Decimal" => "an exact decimal as a string or a whole number, e.g. \"1500000.00\"",
        "Duration" => {
            "an ISO 8601 duration above zero and up to 100 years, in whole milliseconds, e.g. \"PT15M\", \"P7D\" or \"P1M\""
        }
        "Long" => "a whole number between -9007199254740991 and 9007199254740991",
        "TimeZone" => "the IANA name of a time zone, e.g. \"Asia/Seoul\"",
        "Int" => "a whole number between -2147483648 and 2147483647",
        "ID" => "a string or a whole number",
        "String" => "a string",
        "Boolean" => "true or false",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::{ScalarType, Value};
    use serde_json::json;

    use super::*;

    fn shown<T: ScalarType>(value: serde_json::Value) -> Option<String> {
        let value = Value::from_json(value).unwrap();
        let valid = T::is_valid(&value);
        let parsed = T::parse(value).ok();
        assert_eq!(valid, parsed.is_some());
        parsed.map(|scalar| scalar.to_value().to_string())
    }

    #[test]
    fn instants_are_utc_with_a_z() {
        let read = |text: &str| shown::<DateTime>(json!(text));
        assert_eq!(read("2026-01-05T09:00:00+09:00").unwrap(), "\"2026-01-05T00:00:00Z\"");
        assert_eq!(read("2026-01-05t00:00:00.25z").unwrap(), "\"2026-01-05T00:00:00.250Z\"");
        for wrong in [
            "2026-01-05",
            "2026-01-05T09:00:00",
            "2026-13-05T09:00:00Z",
            "",
            "now",
            "9999999-01-01T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
            "0000-01-01T00:00:00+00:01",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(shown::<DateTime>(json!(1_700_000_000)), None);
    }

    #[test]
    fn decimals_are_exact_and_never_floats() {
        assert_eq!(shown::<Decimal>(json!("1500000.10")).unwrap(), "\"1500000.10\"");
        assert_eq!(shown::<Decimal>(json!(-15)).unwrap(), "\"-15\"");
        for wrong in
            [json!(1.5), json!("1e5"), json!("1,5"), json!(""), json!("0x10"), json!("1_000"), json!(true)]
        {
            assert_eq!(shown::<Decimal>(wrong.clone()), None, "{wrong}");
        }
        assert_eq!(shown::<Decimal>(json!("12345678901234567890123456789012345")), None);
    }

    #[test]
    fn zones_durations_and_longs() {
        assert_eq!(shown::<TimeZone>(json!("Asia/Seoul")).unwrap(), "\"Asia/Seoul\"");
        assert_eq!(shown::<TimeZone>(json!("Seoul")), None);
        assert_eq!(shown::<TimeZone>(json!("+09:00")), None);
        assert_eq!(shown::<Duration>(json!("PT90M")).unwrap(), "\"PT1H30M\"");
        for wrong in ["15m", "P0D", "PT0.0001S"] {
            assert_eq!(shown::<Duration>(json!(wrong)), None, "{wrong}");
        }
        assert_eq!(shown::<Long>(json!(9_007_199_254_740_991_i64)).unwrap(), "9007199254740991");
        assert_eq!(shown::<Long>(json!(9_007_199_254_740_992_i64)), None);
        assert_eq!(shown::<Long>(json!("5")), None);
    }

    #[test]
    fn every_scalar_says_what_it_takes() {
        for name in ["DateTime", "Decimal", "Duration", "Long", "TimeZone", "Int", "ID", "String", "Boolean"]
        {
            assert!(allowed(name).is_some(), "{name}");
        }
    }
}
