use std::io::Write as _;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use service::metrics::round2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal(pub(crate) rust_decimal::Decimal);

fn read(value: &Value) -> Option<rust_decimal::Decimal> {
    match value {
        Value::String(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            // The library's parser takes more than a decimal, such as 1_000.
            if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                rust_decimal::Decimal::from_str_exact(text).ok()
            } else {
                None
            }
        }
        Value::Number(number) => number.as_i64().map(Into::into),
        _ => None,
    }
}

/// An exact decimal as a JSON string, e.g. `"1500000.00"`; input takes a string or an integer.
#[Scalar]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        read(&value).map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        read(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl Decimal {
    /// Money or percent as answers show it: rounded half to even, with two places.
    pub(crate) fn rounded(value: rust_decimal::Decimal) -> Self {
        Self(round2(value))
    }

    /// Writes it as JSON.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        // Bytes take whatever is written to them.
        let _ = write!(out, "\"{}\"", self.0);
    }
}
