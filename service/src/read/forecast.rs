use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::{EventEntry, timeline::Asked};
use crate::{
    Error, Service,
    domain::{EventId, Granularity},
    timeline::{Forecast, RangeInput, bucket_end, forecast},
};

/// Days of history that are read: what a forecast looks at, and the running day.
const HISTORY: TimeDelta = TimeDelta::days(57);

/// Which forecast is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForecastSpec {
    /// By when.
    pub until: DateTime<Utc>,
    /// How often the true number lies within the interval, above 0 and below 1.
    pub confidence: Decimal,
}

impl ForecastSpec {
    /// Until when it is the same, if nothing is committed: it is made of whole hours.
    #[must_use]
    pub fn holds_until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        bucket_end(Granularity::Hour, chrono_tz::UTC, now).min(self.until)
    }
}

impl Service {
    /// How many people will have registered for each of these events; absent where there is too little history to
    /// say.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forecasts(
        &self,
        of: &[Arc<EventEntry>],
        spec: ForecastSpec,
    ) -> Result<HashMap<EventId, Forecast>, Error> {
        let now = self.clock().now();
        let range = RangeInput { last: None, from: Some(now - HISTORY), to: Some(now) };
        // So few hours are always within the limit.
        let Ok(window) = range.resolve(Granularity::Hour, chrono_tz::UTC, now, None) else {
            return Ok(HashMap::new());
        };
        let windows: Vec<_> = of.iter().map(|entry| (Asked::of(entry), window.clone())).collect();
        let stored = self.series(&windows).await?;
        let totals: HashMap<&EventId, i64> =
            of.iter().map(|entry| (&entry.event.event_id, entry.event.total_participants.into())).collect();
        let histories: Vec<_> = stored
            .into_iter()
            .map(|(id, series)| {
                let total = totals.get(&id).copied().unwrap_or_default();
                (id, series.assemble(&window, true).buckets, total)
            })
            .collect();
        // Fitting models takes milliseconds of computing: not on the threads that answer.
        let forecasts = tokio::task::spawn_blocking(move || {
            histories
                .into_iter()
                .filter_map(|(id, hours, total)| {
                    Some((id, forecast(&hours, total, now, spec.until, spec.confidence)?))
                })
                .collect()
        });
        Ok(forecasts.await.unwrap_or_default())
    }
}
