use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::metrics::round2;

/// Counters of a channel in a fixed order: impressions, views, clicks, conversions, likes, comments, shares, total calls,
/// completed calls.
pub(crate) const COUNTERS: [&str; 9] = [
    "impressions",
    "views",
    "clicks",
    "conversions",
    "likes",
    "comments",
    "shares",
    "total_calls",
    "completed_calls",
];

/// What an API says of a channel; what it leaves out is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// In the order of [`COUNTERS`], at least 0.
    pub(crate) counters: [Option<i32>; 9],
    /// Seconds.
    pub(crate) average_duration: Option<i32>,
    /// Won, at least 0, two decimals.
    pub(crate) distribution_cost: Option<Decimal>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    impressions: Option<i64>,
    views: Option<i64>,
    clicks: Option<i64>,
    /// Informative only: who registered comes from Kafka.
    participants: Option<i64>,
    conversions: Option<i64>,
    likes: Option<i64>,
    comments: Option<i64>,
    shares: Option<i64>,
    total_calls: Option<i64>,
    completed_calls: Option<i64>,
    average_duration: Option<i64>,
    #[serde(borrow)]
    distribution_cost: Option<&'a RawValue>,
}

/// One that a column takes.
fn count(value: Option<i64>) -> Result<Option<i32>, &'static str> {
    match value {
        None => Ok(None),
        Some(..0) => Err("a negative number"),
        Some(value) => i32::try_from(value).map(Some).map_err(|_| "a number that is too large"),
    }
}

fn cost(raw: &RawValue) -> Result<Option<Decimal>, &'static str> {
    const NO_DECIMAL: &str = "a distributionCost that is no decimal";
    let text = raw.get();
    if text == "null" {
        return Ok(None);
    }
    let text = if text.starts_with('"') {
        serde_json::from_str::<String>(text).map_err(|_| NO_DECIMAL)?
    } else {
        text.to_owned()
    };
    if text.contains('_') {
        return Err(NO_DECIMAL);
    }
    let value =
        if text.contains(['e', 'E']) { Decimal::from_scientific(&text) } else { Decimal::from_str(&text) };
    let value = round2(value.map_err(|_| NO_DECIMAL)?);
    if value.is_sign_negative() && !value.is_zero() {
        return Err("a negative number");
    }
    // DECIMAL(15,2)
    if value >= Decimal::new(10_000_000_000_000, 0) {
        return Err("a number that is too large");
    }
    Ok(Some(value))
}

impl Reading {
    /// Reads a body.
    ///
    /// # Errors
    /// What is wrong with it, as a part of a sentence.
    pub(super) fn decode(body: &[u8]) -> Result<Self, &'static str> {
        // Serde takes an array for an object without names.
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err("something that is no JSON object");
        }
        let wire: Wire<'_> =
            serde_json::from_slice(body).map_err(|_| "something that is no JSON object of whole numbers")?;
        count(wire.participants)?;
        let reading = Self {
            counters: [
                count(wire.impressions)?,
                count(wire.views)?,
                count(wire.clicks)?,
                count(wire.conversions)?,
                count(wire.likes)?,
                count(wire.comments)?,
                count(wire.shares)?,
                count(wire.total_calls)?,
                count(wire.completed_calls)?,
            ],
            average_duration: count(wire.average_duration)?,
            distribution_cost: wire.distribution_cost.map(cost).transpose()?.flatten(),
        };
        let [.., total, completed] = reading.counters;
        if let (Some(total), Some(completed)) = (total, completed)
            && completed > total
        {
            return Err("more completed calls than calls");
        }
        Ok(reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: &str) -> Result<Reading, &'static str> {
        Reading::decode(body.as_bytes())
    }

    #[test]
    fn the_contracts_answer_is_read_whole() {
        let reading = decode(
            r#" {"impressions":1,"views":2,"clicks":3,"participants":4,"conversions":5,"likes":6,"comments":7,"shares":8,
                "totalCalls":10,"completedCalls":9,"averageDuration":11,"distributionCost":"12.345"}"#,
        )
        .unwrap();
        assert_eq!(reading.counters, [1, 2, 3, 5, 6, 7, 8, 10, 9].map(Some));
        assert_eq!(
            (reading.average_duration, reading.distribution_cost),
            (Some(11), Some(Decimal::new(1234, 2)))
        );
    }

    #[test]
    fn what_is_absent_or_null_or_unknown_is_left_out() {
        assert_eq!(decode("{}").unwrap(), Reading::default());
        assert_eq!(
            decode(r#"{"views":null,"distributionCost":null,"reach":[1.5]}"#).unwrap(),
            Reading::default()
        );
    }

    #[test]
    fn costs_are_exact_as_numbers_too() {
        for (raw, hundredths) in
            [("0.1", 10), ("1e3", 100_000), ("\"9999999999999.99\"", 999_999_999_999_999), ("0", 0)]
        {
            let reading = decode(&format!(r#"{{"distributionCost":{raw}}}"#)).unwrap();
            assert_eq!(reading.distribution_cost, Some(Decimal::new(hundredths, 2)), "{raw}");
        }
    }

    #[test]
    fn wrong_answers_are_refused() {
        for body in [
            "",
            "<html></html>",
            "[]",
            "[1,2,3]",
            "\"views\"",
            "7",
            "null",
            "{\"views\":1",
            "{\"views\":-1}",
            "{\"participants\":-1}",
            "{\"views\":2147483648}",
            "{\"views\":99999999999999999999}",
            "{\"views\":1.5}",
            "{\"views\":\"1\"}",
            "{\"views\":1,\"views\":2}",
            "{\"totalCalls\":1,\"completedCalls\":2}",
            "{\"distributionCost\":\"-0.01\"}",
            "{\"distributionCost\":\"10000000000000\"}",
            "{\"distributionCost\":\"much\"}",
            "{\"distributionCost\":[]}",
            "{\"distributionCost\":1e99}",
        ] {
            assert!(decode(body).is_err(), "{body}");
        }
    }
}
