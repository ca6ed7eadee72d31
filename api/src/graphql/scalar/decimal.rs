use std::io::Write as _;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use service::metrics::round2;

use crate::json;

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
        out.push(b'"');
        match u64::try_from(self.0.mantissa()) {
            // Money and percent mostly are: faster than the library writes any decimal.
            Ok(hundredths) if self.0.scale() == 2 => {
                let places = u8::try_from(hundredths % 100).unwrap_or_default();
                json::write_plain(hundredths / 100, out);
                out.extend_from_slice(&[b'.', b'0' + places / 10, b'0' + places % 10]);
            }
            // Bytes take whatever is written to them.
            _ => drop(write!(out, "{}", self.0)),
        }
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_the_library_writes_it() {
        for text in [
            "0.00",
            "0.05",
            "0.10",
            "1.00",
            "-0.01",
            "-1500000.00",
            "1500000.00",
            "9999999999999.99",
            "184467440737095516.15",
            "184467440737095516.16",
            "1",
            "-2",
            "0.5",
            "3.141",
        ] {
            let mut out = Vec::new();
            Decimal(text.parse().unwrap()).write(&mut out);
            assert_eq!(out, format!("\"{text}\"").into_bytes());
        }
    }
}
