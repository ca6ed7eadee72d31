use std::{collections::HashMap, sync::Arc};

use dataloader::BatchFn;
use service::{read::EventEntry, timeline::Forecast};

use super::{Outcome, Reader, answers, grouped, key::ForecastOf};

impl BatchFn<ForecastOf, Outcome<Option<Forecast>>> for Reader {
    async fn load(&mut self, keys: &[ForecastOf]) -> HashMap<ForecastOf, Outcome<Option<Forecast>>> {
        let mut all = HashMap::with_capacity(keys.len());
        for (spec, keys) in grouped(keys, |key| key.spec) {
            let events: Vec<Arc<EventEntry>> = keys.iter().map(|key| key.of.0.clone()).collect();
            let service = self.reads_of(&events);
            self.provenance().holds_until(spec.holds_until(service.clock().now()));
            let read = service.forecasts(&events, spec).await;
            let read = read.map_err(|error| self.reporter.service(&error));
            all.extend(answers(&keys, &read, |forecasts, key| Ok(forecasts.get(key.of.id()).copied())));
        }
        all
    }
}
