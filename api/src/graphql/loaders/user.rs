use std::{collections::HashMap, hash::Hash, sync::Arc};

use dataloader::BatchFn;
use service::{
    domain::{UserId, UserOverview},
    metrics::Ranking,
    read::{Page, Timeline},
};

use super::{
    Outcome, Reader, answers, grouped,
    key::{CountOf, PageOf, RankingOf, TimelineOfUser, UserById},
};
use crate::graphql::faults::{page_fault, range_fault};

impl BatchFn<UserById, Outcome<Arc<UserOverview>>> for Reader {
    async fn load(&mut self, keys: &[UserById]) -> HashMap<UserById, Outcome<Arc<UserOverview>>> {
        let ids: Vec<UserId> = keys.iter().map(|key| key.0.clone()).collect();
        let service = self.reads_of_users(&ids);
        let read = service.users(&self.viewer, &ids).await.map_err(|error| self.reporter.service(&error));
        answers(keys, &read, |users, key| self.answered(users, &key.0, "overview"))
    }
}

fn owners<'a, K: 'a>(keys: &'a [K], owner: impl Fn(&'a K) -> &'a UserId) -> Vec<UserId> {
    keys.iter().map(owner).cloned().collect()
}

impl Reader {
    /// A user who was asked for can't be missing from an answer about them.
    fn answered<T: Clone, K: Eq + Hash>(&self, found: &HashMap<K, T>, key: &K, what: &str) -> Outcome<T> {
        found.get(key).cloned().ok_or_else(|| self.missing(what))
    }
}

impl BatchFn<PageOf, Outcome<Arc<Page>>> for Reader {
    async fn load(&mut self, keys: &[PageOf]) -> HashMap<PageOf, Outcome<Arc<Page>>> {
        let mut all = HashMap::with_capacity(keys.len());
        for ((filter, order, page, with), keys) in grouped(keys, |key| key.list.clone()) {
            let owners = owners(&keys, |key| &key.owner);
            let service = self.reads_of_users(&owners);
            let read = service.user_pages(&self.viewer, &owners, &filter, order, &page, with).await;
            let read = read.map_err(|error| self.reporter.service(&error)).map(|pages| {
                let page = |(owner, page): (_, Result<_, _>)| {
                    (owner, page.map(Arc::new).map_err(|error| page_fault(error, &self.reporter)))
                };
                pages.into_iter().map(page).collect::<HashMap<UserId, Outcome<Arc<Page>>>>()
            });
            all.extend(answers(&keys, &read, |pages, key| self.answered(pages, &key.owner, "events")?));
        }
        all
    }
}

impl BatchFn<CountOf, Outcome<i64>> for Reader {
    async fn load(&mut self, keys: &[CountOf]) -> HashMap<CountOf, Outcome<i64>> {
        let mut all = HashMap::with_capacity(keys.len());
        for (filter, keys) in grouped(keys, |key| key.filter.clone()) {
            let owners = owners(&keys, |key| &key.owner);
            let read = self.reads_of_users(&owners).user_counts(&self.viewer, &owners, &filter).await;
            let read = read.map_err(|error| self.reporter.service(&error));
            all.extend(answers(&keys, &read, |counts, key| {
                Ok(counts.get(&key.owner).copied().unwrap_or_default())
            }));
        }
        all
    }
}

impl BatchFn<RankingOf, Outcome<Arc<Ranking>>> for Reader {
    async fn load(&mut self, keys: &[RankingOf]) -> HashMap<RankingOf, Outcome<Arc<Ranking>>> {
        let mut all = HashMap::with_capacity(keys.len());
        for (query, keys) in grouped(keys, |key| key.query.clone()) {
            let owners = owners(&keys, |key| &key.owner);
            let read = self.reads_of_users(&owners).user_rankings(&self.viewer, &owners, &query).await;
            let read = read.map_err(|error| self.reporter.service(&error)).map(|rankings| {
                let shared = rankings.into_iter().map(|(owner, ranking)| (owner, Arc::new(ranking)));
                shared.collect::<HashMap<UserId, Arc<Ranking>>>()
            });
            all.extend(answers(&keys, &read, |rankings, key| self.answered(rankings, &key.owner, "ranking")));
        }
        all
    }
}

impl BatchFn<TimelineOfUser, Outcome<Arc<Timeline>>> for Reader {
    async fn load(&mut self, keys: &[TimelineOfUser]) -> HashMap<TimelineOfUser, Outcome<Arc<Timeline>>> {
        let mut all = HashMap::with_capacity(keys.len());
        for (spec, keys) in grouped(keys, |key| key.spec) {
            let owners = owners(&keys, |key| &key.owner);
            let read = self.reads_of_users(&owners).user_timelines(&self.viewer, &owners, &spec).await;
            let read = read.map_err(|error| self.reporter.service(&error));
            self.holds_like(read.iter().flat_map(HashMap::values).flatten());
            all.extend(answers(&keys, &read, |timelines, key| {
                self.answered(timelines, &key.owner, "timeline")?.map_err(range_fault)
            }));
        }
        all
    }
}
