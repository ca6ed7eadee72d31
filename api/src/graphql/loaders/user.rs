use std::{collections::HashMap, sync::Arc};

use dataloader::BatchFn;
use service::domain::{UserId, UserOverview};

use super::{Outcome, Reader, answers, key::UserById};

impl BatchFn<UserById, Outcome<Option<Arc<UserOverview>>>> for Reader {
    async fn load(&mut self, keys: &[UserById]) -> HashMap<UserById, Outcome<Option<Arc<UserOverview>>>> {
        let ids: Vec<UserId> = keys.iter().map(|key| key.0.clone()).collect();
        let read =
            self.service.users(&self.viewer, &ids).await.map_err(|error| self.reporter.service(&error));
        answers(keys, &read, |users, key| Ok(users.get(&key.0).cloned()))
    }
}
