use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use service::timeline::IsoDuration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duration(pub(crate) IsoDuration);

fn read(value: &Value) -> Option<IsoDuration> {
    let Value::String(text) = value else { return None };
    text.parse().ok()
}

/// An ISO 8601 duration, e.g. `PT15M`, `P7D`, `P1M`: above zero, up to 100 years, in whole milliseconds. Days, weeks,
/// months and years follow the calendar of the time zone that is asked for.
#[Scalar(specified_by_url = "https://www.iso.org/iso-8601-date-and-time-format.html")]
impl ScalarType for Duration {
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
