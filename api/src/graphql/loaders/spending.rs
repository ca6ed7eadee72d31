use std::collections::HashMap;

use dataloader::BatchFn;
use service::read::Spending;

use super::{Outcome, Reader, answers, key::SpendingOf};

impl BatchFn<SpendingOf, Outcome<Spending>> for Reader {
    async fn load(&mut self, keys: &[SpendingOf]) -> HashMap<SpendingOf, Outcome<Spending>> {
        let events: Vec<_> = keys.iter().map(|key| key.0.0.clone()).collect();
        let read =
            self.reads_of(&events).spending(&events).await.map_err(|error| self.reporter.service(&error));
        answers(keys, &read, |spending, key| {
            spending.get(key.0.id()).copied().ok_or_else(|| self.missing("spending"))
        })
    }
}
