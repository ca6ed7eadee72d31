use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Datelike, Utc};
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use service::domain::{ChannelName, ChannelType, EventId, EventStatus, InvalidId, UserId};

use super::{
    fields::{Fields, Place, Text, first_kind},
    number::{self, Scaled},
    rejection::{Code, Rejection, excerpt},
};

/// What a decimal column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// All digits, the two after the point included.
    digits: u32,
    negative: bool,
}

impl Column {
    /// `DECIMAL(15,2)`, at least 0.
    pub(super) const INVESTMENT: Self = Self { digits: 15, negative: false };
    /// `DECIMAL(15,2)`.
    pub(super) const MONEY: Self = Self { digits: 15, negative: true };
    /// `DECIMAL(10,2)`, at least 0.
    pub(super) const ROI: Self = Self { digits: 10, negative: false };
    /// `DECIMAL(10,2)`.
    pub(super) const PERCENT: Self = Self { digits: 10, negative: true };

    const PLACES: u8 = 2;

    const fn cents(self) -> i64 {
        10_i64.pow(self.digits)
    }
}

/// One field's value, still as JSON text, and the name that a fault is reported under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    place: Place,
    field: &'static str,
    raw: &'a str,
}

impl<'a> Value<'a> {
    pub(super) fn new(place: Place, field: &'static str, raw: &'a RawValue) -> Self {
        Self { place, field, raw: raw.get() }
    }

    fn reject(self, code: Code, what: &str) -> Rejection {
        Rejection::new(code, format!("{} {what}", self.place.name(self.field)))
    }

    fn wrong_type(self, allowed: &str) -> Rejection {
        let found = first_kind(self.raw).unwrap_or("something else");
        self.reject(Code::WrongType, &format!("is {found}; it has to be {allowed}"))
    }

    /// The object that the value is.
    pub(super) fn object(self, place: Place) -> Result<Fields<'a>, Rejection> {
        if self.raw.starts_with('{') {
            Fields::parse(self.raw, place)
        } else {
            Err(self.wrong_type("an object"))
        }
    }

    /// The entries of the array that the value is.
    pub(super) fn array(self) -> Result<Vec<&'a RawValue>, Rejection> {
        if !self.raw.starts_with('[') {
            return Err(self.wrong_type("an array"));
        }
        serde_json::from_str(self.raw)
            .map_err(|fault| self.reject(Code::InvalidJson, &format!("is not valid JSON: {fault}")))
    }

    /// A string as it stands.
    fn string(self) -> Result<Cow<'a, str>, Rejection> {
        if !self.raw.starts_with('"') {
            return Err(self.wrong_type("a string"));
        }
        // It is valid JSON, so without an escape it is what stands between the quotes.
        if !self.raw.contains('\\')
            && let Some(text) = self.raw.get(1..self.raw.len() - 1)
        {
            return Ok(Cow::Borrowed(text));
        }
        serde_json::from_str::<Text<'a>>(self.raw)
            .map(|Text(text)| text)
            .map_err(|fault| self.reject(Code::InvalidJson, &format!("is not a valid JSON string: {fault}")))
    }

    /// The text whose bytes the string holds in base 64.
    pub(super) fn base64(self) -> Result<String, Rejection> {
        let bytes = STANDARD.decode(self.string()?.as_bytes()).map_err(|_| {
            self.reject(
                Code::InvalidJson,
                "is not base 64; the bytes of a JSON object in base 64 are allowed",
            )
        })?;
        String::from_utf8(bytes)
            .map_err(|fault| self.reject(Code::InvalidUtf8, &format!("is not UTF-8: {fault}")))
    }

    /// A string of at most `limit` characters without NUL, possibly empty.
    pub(super) fn text(self, limit: usize) -> Result<Cow<'a, str>, Rejection> {
        let text = self.string()?;
        if text.contains('\0') {
            return Err(self.reject(Code::NulCharacter, "holds a NUL character; none is allowed"));
        }
        let length = text.chars().count();
        if length > limit {
            return Err(self.reject(
                Code::TooLong,
                &format!("is {length} characters long; at most {limit} are allowed"),
            ));
        }
        Ok(text)
    }

    /// A string of 1 to `limit` characters without NUL.
    pub(super) fn title(self, limit: usize) -> Result<String, Rejection> {
        let text = self.text(limit)?;
        if text.is_empty() { Err(self.empty(limit)) } else { Ok(text.into_owned()) }
    }

    fn empty(self, limit: usize) -> Rejection {
        self.reject(Code::EmptyText, &format!("is empty; 1 to {limit} characters are allowed"))
    }

    fn id<T>(self, limit: usize, parse: impl Fn(&str) -> Result<T, InvalidId>) -> Result<T, Rejection> {
        parse(&self.string()?).map_err(|fault| match fault {
            InvalidId::Empty => self.empty(limit),
            InvalidId::TooLong { length, limit } => self
                .reject(Code::TooLong, &format!("is {length} characters long; at most {limit} are allowed")),
            InvalidId::Nul => self.reject(Code::NulCharacter, "holds a NUL character; none is allowed"),
        })
    }

    /// An event's id.
    pub(super) fn event_id(self) -> Result<EventId, Rejection> {
        self.id(EventId::MAX_CHARS, EventId::parse)
    }

    /// A user's id.
    pub(super) fn user_id(self) -> Result<UserId, Rejection> {
        self.id(UserId::MAX_CHARS, UserId::parse)
    }

    /// A channel's name.
    pub(super) fn channel_name(self) -> Result<ChannelName, Rejection> {
        self.id(ChannelName::MAX_CHARS, ChannelName::parse)
    }

    /// A channel's type.
    pub(super) fn channel_type(self) -> Result<ChannelType, Rejection> {
        let name = self.string()?;
        ChannelType::parse(&name).ok_or_else(|| {
            let allowed = ChannelType::ALL.map(ChannelType::as_str).join(", ");
            self.reject(Code::UnknownChannelType, &format!("is {}; allowed are {allowed}", excerpt(&name)))
        })
    }

    /// An event's status.
    pub(super) fn status(self) -> Result<EventStatus, Rejection> {
        let name = self.string()?;
        EventStatus::parse(&name).ok_or_else(|| {
            let allowed = EventStatus::ALL.map(EventStatus::as_str).join(", ");
            self.reject(Code::UnknownStatus, &format!("is {}; allowed are {allowed}", excerpt(&name)))
        })
    }

    /// A decimal, as a JSON number or as a string that holds one, rounded half-even to two decimals. The column's
    /// range is that of the rounded value, as it is for PostgreSQL.
    pub(super) fn decimal(self, column: Column) -> Result<Decimal, Rejection> {
        let text = match self.raw.as_bytes().first() {
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => Cow::Borrowed(self.raw),
            _ => return Err(self.wrong_type("a number, or a string that holds one")),
        };
        let units = match number::scaled(&text, Column::PLACES) {
            None => {
                return Err(self.reject(
                    Code::InvalidNumber,
                    &format!("is {}; a decimal number such as \"1500000.00\" is allowed", excerpt(&text)),
                ));
            }
            Some(Scaled::Units { units, .. }) if units.abs() < column.cents() => units,
            Some(Scaled::Units { .. } | Scaled::Huge) => {
                let whole = column.digits - u32::from(Column::PLACES);
                return Err(self.reject(
                    Code::OutOfRange,
                    &format!(
                        "is {}; at most {whole} digits before the point are allowed, after rounding to two decimals",
                        excerpt(&text)
                    ),
                ));
            }
        };
        if units < 0 && !column.negative {
            return Err(
                self.reject(Code::NegativeNumber, &format!("is {}; it has to be at least 0", excerpt(&text)))
            );
        }
        Ok(Decimal::new(units, u32::from(Column::PLACES)))
    }

    /// A whole number of something, 0 to 2147483647.
    pub(super) fn count(self) -> Result<i32, Rejection> {
        let units = match number::scaled(self.raw, 0) {
            None => return Err(self.wrong_type("a whole number")),
            Some(Scaled::Units { exact: false, .. }) => {
                return Err(self.reject(
                    Code::NotAnInteger,
                    &format!("is {}; it has to be a whole number", excerpt(self.raw)),
                ));
            }
            Some(Scaled::Units { units, .. }) => units,
            Some(Scaled::Huge) if self.raw.starts_with('-') => i64::MIN,
            Some(Scaled::Huge) => i64::MAX,
        };
        if units < 0 {
            return Err(self.reject(
                Code::NegativeNumber,
                &format!("is {}; it has to be at least 0", excerpt(self.raw)),
            ));
        }
        i32::try_from(units).map_err(|_| {
            self.reject(
                Code::OutOfRange,
                &format!("is {}; at most {} is allowed", excerpt(self.raw), i32::MAX),
            )
        })
    }

    /// An instant. Digits beyond the microsecond are cut, because PostgreSQL keeps none.
    pub(super) fn instant(self) -> Result<DateTime<Utc>, Rejection> {
        let text = self.string()?;
        DateTime::parse_from_rfc3339(&text)
            .ok()
            // Made anew from microseconds, so that a leap second is the second after it, as it is for PostgreSQL.
            .and_then(|instant| DateTime::from_timestamp_micros(instant.timestamp_micros()))
            // An offset leads out of the years of four digits, which are all that clients can be told.
            .filter(|instant| (0..=9_999).contains(&instant.year()))
            .ok_or_else(|| {
                self.reject(
                    Code::InvalidTimestamp,
                    &format!(
                        "is {}; an RFC 3339 instant such as 2026-01-05T09:31:12Z is allowed",
                        excerpt(&text)
                    ),
                )
            })
    }
}
