use std::{collections::HashMap, sync::Arc};

use dataloader::BatchFn;
use service::{
    read::{EventEntry, ForecastSpec},
    timeline::Forecast,
};

use super::{Outcome, Reader, answers, key::ForecastOf};
use crate::graphql::faults::timeline_fault;

impl BatchFn<ForecastOf, Outcome<Option<Forecast>>> for Reader {
    /// One read for each different set of arguments.
    async fn load(&mut self, keys: &[ForecastOf]) -> HashMap<ForecastOf, Outcome<Option<Forecast>>> {
        let mut by_spec: HashMap<ForecastSpec, Vec<ForecastOf>> = HashMap::new();
        for key in keys {
            by_spec.entry(key.spec).or_default().push(key.clone());
        }
        let mut all = HashMap::with_capacity(keys.len());
        for (spec, keys) in by_spec {
            let events: Vec<Arc<EventEntry>> = keys.iter().map(|key| key.of.0.clone()).collect();
            let read = self.service.forecasts(&events, spec).await;
            let read = read.map_err(|error| timeline_fault(error, &self.reporter));
            all.extend(answers(&keys, &read, |forecasts, key| Ok(forecasts.get(key.of.id()).copied())));
        }
        all
    }
}
