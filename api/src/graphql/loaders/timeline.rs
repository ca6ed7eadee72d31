use std::{collections::HashMap, sync::Arc};

use dataloader::BatchFn;
use service::read::{EventEntry, Timeline};

use super::{Outcome, Reader, answers, grouped, key::TimelineOf};
use crate::graphql::faults::range_fault;

impl BatchFn<TimelineOf, Outcome<Arc<Timeline>>> for Reader {
    async fn load(&mut self, keys: &[TimelineOf]) -> HashMap<TimelineOf, Outcome<Arc<Timeline>>> {
        let mut all = HashMap::with_capacity(keys.len());
        for (spec, keys) in grouped(keys, |key| key.spec) {
            let events: Vec<Arc<EventEntry>> = keys.iter().map(|key| key.of.0.clone()).collect();
            let read = self.reads_of(&events).timelines(&events, &spec).await;
            let read = read.map_err(|error| self.reporter.service(&error));
            self.holds_like(read.iter().flat_map(HashMap::values).flatten());
            all.extend(answers(&keys, &read, |timelines, key| {
                let found = timelines.get(key.of.id()).cloned();
                found.ok_or_else(|| self.missing("timeline"))?.map_err(range_fault)
            }));
        }
        all
    }
}
