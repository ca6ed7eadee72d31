//! What a dead letter says beyond the message itself.

use chrono::{DateTime, SecondsFormat, Utc};
use rdkafka::message::{Header as Insert, OwnedHeaders};

use crate::{
    message::{Headers as _, Rejection},
    record::{Header, Lookup, Record},
};

pub(super) const TOPIC: &str = "x-topic";
pub(super) const PARTITION: &str = "x-partition";
pub(super) const OFFSET: &str = "x-offset";
pub(super) const ERROR_CODE: &str = "x-error-code";
pub(super) const ERROR: &str = "x-error";
pub(super) const ATTEMPTS: &str = "x-attempts";
pub(super) const FAILED_AT: &str = "x-failed-at";

/// How many bytes the payload has, where the dead-letter topic does not take a message of that size.
pub(super) const PAYLOAD_OMITTED: &str = "x-payload-omitted";

const RESERVED: [&str; 8] =
    [TOPIC, PARTITION, OFFSET, ERROR_CODE, ERROR, ATTEMPTS, FAILED_AT, PAYLOAD_OMITTED];

/// Those of `headers` that the message brought along itself.
pub(super) fn original(headers: &[Header]) -> impl Iterator<Item = &Header> {
    headers.iter().filter(|(name, _)| !RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)))
}

/// How often the message was tried, the present time included: a message that was sent back says so itself.
pub(super) fn attempts(headers: &[Header]) -> u32 {
    number(headers, ATTEMPTS).unwrap_or(1)
}

/// A header's value as text.
pub(super) fn text(headers: &[Header], name: &str) -> Option<String> {
    Lookup(headers).last(name).map(|value| String::from_utf8_lossy(value).into_owned())
}

/// A header's value as a number.
pub(super) fn number<T: std::str::FromStr>(headers: &[Header], name: &str) -> Option<T> {
    text(headers, name)?.parse().ok()
}

/// The headers of the dead letter of `record`.
pub(super) fn of(record: &Record, rejection: &Rejection, failed_at: DateTime<Utc>) -> Vec<Header> {
    let told = [
        (TOPIC, record.topic.to_string()),
        (PARTITION, record.partition.to_string()),
        (OFFSET, record.offset.to_string()),
        (ERROR_CODE, rejection.code.to_string()),
        (ERROR, rejection.message.clone()),
        (ATTEMPTS, attempts(&record.headers).to_string()),
        (FAILED_AT, failed_at.to_rfc3339_opts(SecondsFormat::Micros, true)),
    ];
    original(&record.headers)
        .cloned()
        .chain(told.map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))))
        .collect()
}

/// What is left of `headers` where the message itself is too large for the dead-letter topic: what was told about it.
pub(super) fn without_message(headers: &[Header], payload: usize) -> Vec<Header> {
    let told = |(name, _): &&Header| RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
    let omitted = (PAYLOAD_OMITTED.to_owned(), Some(payload.to_string().into_bytes()));
    headers.iter().filter(told).cloned().chain([omitted]).collect()
}

/// In the client library's form.
pub(crate) fn native(headers: &[Header]) -> OwnedHeaders {
    headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |native, (key, value)| {
        native.insert(Insert { key, value: value.as_ref() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Code;

    fn record(headers: &[(&str, &str)]) -> Record {
        Record {
            topic: "event.created".into(),
            partition: 3,
            offset: 41,
            key: None,
            payload: None,
            headers: headers
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Some(value.as_bytes().to_vec())))
                .collect(),
        }
    }

    #[test]
    fn a_first_failure() {
        let headers = of(
            &record(&[("ce_id", "7")]),
            &Rejection::new(Code::TooLong, "eventId is too long"),
            "2026-01-05T00:00:00Z".parse().unwrap(),
        );
        let expected = [
            ("ce_id", "7"),
            ("x-topic", "event.created"),
            ("x-partition", "3"),
            ("x-offset", "41"),
            ("x-error-code", "TOO_LONG"),
            ("x-error", "eventId is too long"),
            ("x-attempts", "1"),
            ("x-failed-at", "2026-01-05T00:00:00.000000Z"),
        ];
        assert_eq!(headers, record(&expected).headers);
    }

    #[test]
    fn what_is_too_large_leaves_what_was_told_about_it() {
        let headers = of(
            &record(&[("trace", "t"), ("x-payload-omitted", "7")]),
            &Rejection::new(Code::InvalidJson, "broken"),
            "2026-01-05T00:00:00Z".parse().unwrap(),
        );
        assert_eq!(number::<usize>(&headers, PAYLOAD_OMITTED), None);
        let left = without_message(&headers, 1_048_000);
        assert_eq!((left.len(), number(&left, PAYLOAD_OMITTED)), (8, Some(1_048_000)));
        assert_eq!((text(&left, "trace"), text(&left, OFFSET).as_deref()), (None, Some("41")));
    }

    #[test]
    fn a_second_failure_replaces_what_the_first_said() {
        let headers = of(
            &record(&[("X-Topic", "old"), ("x-attempts", "2"), ("trace", "t")]),
            &Rejection::new(Code::TooLong, "eventId is too long"),
            "2026-01-05T00:00:00Z".parse().unwrap(),
        );
        assert_eq!(text(&headers, TOPIC).as_deref(), Some("event.created"));
        assert_eq!(text(&headers, "trace").as_deref(), Some("t"));
        assert_eq!(attempts(&headers), 2);
        assert_eq!(headers.len(), 8);
    }
}
