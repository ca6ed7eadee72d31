use std::fmt;

/// Why a message can't be applied, as a name that programs and searches can hold on to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The message has no payload.
    EmptyPayload,
    /// The payload is not UTF-8.
    InvalidUtf8,
    /// The payload is not one JSON text.
    InvalidJson,
    /// A required field is absent or null.
    MissingField,
    /// A field is there more than once, so which one counts is anybody's guess.
    DuplicateField,
    /// A field is of another JSON type than it should be.
    WrongType,
    /// A text that has to name something is empty.
    EmptyText,
    /// A text has more characters than its column.
    TooLong,
    /// PostgreSQL stores no NUL character in a text.
    NulCharacter,
    /// A text is no decimal number.
    InvalidNumber,
    /// A count has a fraction.
    NotAnInteger,
    /// A count, an investment or a ROI is below 0.
    NegativeNumber,
    /// A number does not fit its column.
    OutOfRange,
    /// A text is no RFC 3339 instant.
    InvalidTimestamp,
    /// No known status of an event.
    UnknownStatus,
    /// No known type of a channel.
    UnknownChannelType,
    /// More calls completed than made.
    CompletedExceedsTotal,
    /// It reads well, but the stored statistics can't take it, such as a counter that would pass its column's range.
    NotApplicable,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::EmptyPayload,
        Self::InvalidUtf8,
        Self::InvalidJson,
        Self::MissingField,
        Self::DuplicateField,
        Self::WrongType,
        Self::EmptyText,
        Self::TooLong,
        Self::NulCharacter,
        Self::InvalidNumber,
        Self::NotAnInteger,
        Self::NegativeNumber,
        Self::OutOfRange,
        Self::InvalidTimestamp,
        Self::UnknownStatus,
        Self::UnknownChannelType,
        Self::CompletedExceedsTotal,
        Self::NotApplicable,
    ];

    /// The name as in the dead letter's header `x-error-code`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmptyPayload => "EMPTY_PAYLOAD",
            Self::InvalidUtf8 => "INVALID_UTF8",
            Self::InvalidJson => "INVALID_JSON",
            Self::MissingField => "MISSING_FIELD",
            Self::DuplicateField => "DUPLICATE_FIELD",
            Self::WrongType => "WRONG_TYPE",
            Self::EmptyText => "EMPTY_TEXT",
            Self::TooLong => "TOO_LONG",
            Self::NulCharacter => "NUL_CHARACTER",
            Self::InvalidNumber => "INVALID_NUMBER",
            Self::NotAnInteger => "NOT_AN_INTEGER",
            Self::NegativeNumber => "NEGATIVE_NUMBER",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::InvalidTimestamp => "INVALID_TIMESTAMP",
            Self::UnknownStatus => "UNKNOWN_STATUS",
            Self::UnknownChannelType => "UNKNOWN_CHANNEL_TYPE",
            Self::CompletedExceedsTotal => "COMPLETED_EXCEEDS_TOTAL",
            Self::NotApplicable => "NOT_APPLICABLE",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message that can't be applied, and why. The text names the field, what is wrong and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// The kind of fault.
    pub code: Code,
    /// For a human.
    pub message: String,
}

impl Rejection {
    /// A rejection with a text for humans.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The start of a text that came from outside, short enough for a log line or a header.
pub(super) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 40;
    let start: String = text.chars().take(SHOWN).collect();
    if start.len() < text.len() { format!("{start:?}…") } else { format!("{start:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_screaming_snakes() {
        let names: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for name in names {
            assert!(
                name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            );
        }
    }

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(excerpt("a\nb"), r#""a\nb""#);
        assert_eq!(excerpt(&"가".repeat(41)), format!("\"{}\"…", "가".repeat(40)));
    }
}
