use std::{collections::HashMap, sync::Arc};

use dataloader::BatchFn;
use service::read::{EventEntry, Timeline, TimelineSpec};

use super::{Outcome, Reader, answers, key::TimelineOf};
use crate::graphql::faults::timeline_fault;

impl BatchFn<TimelineOf, Outcome<Arc<Timeline>>> for Reader {
    /// One read for each different set of arguments: a document can't ask for more sets than it has fields.
    async fn load(&mut self, keys: &[TimelineOf]) -> HashMap<TimelineOf, Outcome<Arc<Timeline>>> {
        let mut by_spec: HashMap<TimelineSpec, Vec<TimelineOf>> = HashMap::new();
        for key in keys {
            by_spec.entry(key.spec).or_default().push(key.clone());
        }
        let mut all = HashMap::with_capacity(keys.len());
        for (spec, keys) in by_spec {
            let events: Vec<Arc<EventEntry>> = keys.iter().map(|key| key.of.0.clone()).collect();
            let read = self.service.timelines(&events, &spec).await;
            let read = read.map_err(|error| timeline_fault(error, &self.reporter));
            all.extend(answers(&keys, &read, |timelines, key| {
                timelines.get(key.of.id()).cloned().ok_or_else(|| self.missing("timeline"))
            }));
        }
        all
    }
}
