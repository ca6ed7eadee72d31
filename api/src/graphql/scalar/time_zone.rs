use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono_tz::Tz;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeZone(pub(crate) Tz);

impl TimeZone {
    pub(crate) const UTC: Self = Self(Tz::UTC);
}

fn read(value: &Value) -> Option<Tz> {
    let Value::String(name) = value else { return None };
    name.parse().ok()
}

/// An IANA time zone name, e.g. `Asia/Seoul`.
#[Scalar(specified_by_url = "https://www.iana.org/time-zones")]
impl ScalarType for TimeZone {
    fn parse(value: Value) -> InputValueResult<Self> {
        read(&value).map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        read(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.name().to_owned())
    }
}
