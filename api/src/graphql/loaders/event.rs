use std::{collections::HashMap, sync::Arc};

use dataloader::BatchFn;
use service::{Origin, domain::EventId, read::EventEntry};

use super::{Outcome, Reader, answers, key::EventById};

impl BatchFn<EventById, Outcome<Option<Arc<EventEntry>>>> for Reader {
    async fn load(&mut self, keys: &[EventById]) -> HashMap<EventById, Outcome<Option<Arc<EventEntry>>>> {
        let ids: Vec<EventId> = keys.iter().map(|key| key.0.clone()).collect();
        let service = self.reads(ids.iter().cloned().map(Origin::Event));
        let read = service.events(&self.viewer, &ids).await.map_err(|error| self.reporter.service(&error));
        answers(keys, &read, |events, key| Ok(events.get(&key.0).cloned()))
    }
}
