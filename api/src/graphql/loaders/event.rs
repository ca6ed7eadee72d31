use std::{collections::HashMap, sync::Arc};

use dataloader::BatchFn;
use service::{Origin, domain::EventId, read::EventEntry};

use super::{Outcome, Reader, answers, grouped, key::EventById};

impl BatchFn<EventById, Outcome<Option<Arc<EventEntry>>>> for Reader {
    async fn load(&mut self, keys: &[EventById]) -> HashMap<EventById, Outcome<Option<Arc<EventEntry>>>> {
        let mut outcomes = HashMap::with_capacity(keys.len());
        for (with, keys) in grouped(keys, |key| key.with) {
            let ids: Vec<EventId> = keys.iter().map(|key| key.id.clone()).collect();
            let service = self.reads(ids.iter().cloned().map(Origin::Event));
            let read = service.events(&self.viewer, &ids, with).await;
            let read = read.map_err(|error| self.reporter.service(&error));
            outcomes.extend(answers(&keys, &read, |events, key| Ok(events.get(&key.id).cloned())));
        }
        outcomes
    }
}
