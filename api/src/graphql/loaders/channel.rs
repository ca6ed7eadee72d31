use std::{collections::HashMap, sync::Arc};

use dataloader::BatchFn;
use service::domain::Channel;

use super::{
    Outcome, Reader, answers,
    key::{ChannelNamed, ChannelsOf},
};

impl BatchFn<ChannelsOf, Outcome<Arc<[Channel]>>> for Reader {
    async fn load(&mut self, keys: &[ChannelsOf]) -> HashMap<ChannelsOf, Outcome<Arc<[Channel]>>> {
        let events: Vec<_> = keys.iter().map(|key| key.0.0.clone()).collect();
        let read =
            self.reads_of(&events).channels(&events).await.map_err(|error| self.reporter.service(&error));
        answers(keys, &read, |channels, key| {
            channels.get(key.0.id()).cloned().ok_or_else(|| self.missing("channels"))
        })
    }
}

impl BatchFn<ChannelNamed, Outcome<Option<Channel>>> for Reader {
    async fn load(&mut self, keys: &[ChannelNamed]) -> HashMap<ChannelNamed, Outcome<Option<Channel>>> {
        let asked: Vec<_> = keys.iter().map(|key| (key.of.0.clone(), key.name.clone())).collect();
        let read = self
            .reads_of(asked.iter().map(|(entry, _)| entry))
            .channel(&asked)
            .await
            .map_err(|error| self.reporter.service(&error));
        answers(keys, &read, |channels, key| {
            Ok(channels.get(&(key.of.id().clone(), key.name.clone())).cloned())
        })
    }
}
