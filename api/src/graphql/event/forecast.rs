use async_graphql::SimpleObject;
use service::timeline;

use crate::graphql::scalar::Decimal;

/// How many people will have registered by an instant.
#[derive(SimpleObject)]
pub(crate) struct Forecast {
    /// The expected number of all who will have registered by then, with two places.
    participants: Decimal,
    /// The lower end of the interval; never below what is registered already.
    low: Decimal,
    /// The upper end of the interval.
    high: Decimal,
    /// How often the true number lies within the interval: 0.8 is in 8 of 10 cases.
    confidence: Decimal,
    /// How the forecast was made.
    method: String,
}

impl From<timeline::Forecast> for Forecast {
    fn from(forecast: timeline::Forecast) -> Self {
        Self {
            participants: Decimal::rounded(forecast.participants),
            low: Decimal::rounded(forecast.low),
            high: Decimal::rounded(forecast.high),
            confidence: Decimal(forecast.confidence.normalize()),
            method: forecast.method.to_owned(),
        }
    }
}
