//! One round trip for all parents of a level: fields that need something of an event wait for each other and are read
//! together. A set of loaders belongs to one execution and one viewer, and remembers nothing beyond.

mod channel;
mod event;
mod forecast;
mod key;
mod reader;
mod spending;
mod timeline;
mod user;

use std::{collections::HashMap, hash::Hash, sync::Arc};

use dataloader::cached::Loader;
use service::{
    domain::{Channel, ChannelName, EventId, UserId, UserOverview},
    metrics::Ranking,
    read::{
        EventEntry, EventFilter, EventOrder, ForecastSpec, Page, PageRequest, RankingQuery, Spending,
        Timeline, TimelineSpec, With,
    },
    timeline::Forecast,
};

use self::key::{
    ChannelNamed, ChannelsOf, CountOf, EventById, ForecastOf, PageOf, RankingOf, SpendingOf, TimelineOf,
    TimelineOfUser, UserById,
};
pub(crate) use self::reader::Reader;
use crate::error::Fault;

/// Turns of the executor to wait for more keys. Siblings ask within one turn; a second one takes in those that come
/// from another loader.
const TURNS: usize = 2;
/// More keys than any operation within the limits asks for: a batch is never split.
const BATCH: usize = 100_000;

type Outcome<T> = Result<T, Fault>;
type Of<K, T> = Loader<K, Outcome<T>, Reader>;

/// The loaders of one execution.
pub(crate) struct Loaders {
    reader: Reader,
    events: Of<EventById, Option<Arc<EventEntry>>>,
    channels: Of<ChannelsOf, Arc<[Channel]>>,
    channel: Of<ChannelNamed, Option<Channel>>,
    spending: Of<SpendingOf, Spending>,
    timelines: Of<TimelineOf, Arc<Timeline>>,
    forecasts: Of<ForecastOf, Option<Forecast>>,
    users: Of<UserById, Arc<UserOverview>>,
    pages: Of<PageOf, Arc<Page>>,
    counts: Of<CountOf, i64>,
    rankings: Of<RankingOf, Arc<Ranking>>,
    user_timelines: Of<TimelineOfUser, Arc<Timeline>>,
}

macro_rules! loader {
    ($reader:ident) => {
        Loader::new($reader.clone()).with_yield_count(TURNS).with_max_batch_size(BATCH)
    };
}

impl Loaders {
    pub(crate) fn new(reader: Reader) -> Self {
        Self {
            events: loader!(reader),
            channels: loader!(reader),
            channel: loader!(reader),
            spending: loader!(reader),
            timelines: loader!(reader),
            forecasts: loader!(reader),
            users: loader!(reader),
            pages: loader!(reader),
            counts: loader!(reader),
            rankings: loader!(reader),
            user_timelines: loader!(reader),
            reader,
        }
    }

    /// For what is asked for once per field, and so needs no loader.
    pub(crate) const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The event, if it is described and the viewer's, read with what will be asked for next.
    pub(crate) async fn event(&self, id: EventId, with: With) -> Outcome<Option<Arc<EventEntry>>> {
        self.settle(self.events.try_load(EventById { id, with }).await)
    }

    /// The event's channels, by name.
    pub(crate) async fn channels(&self, of: &Arc<EventEntry>) -> Outcome<Arc<[Channel]>> {
        match &of.channels {
            Some(channels) => Ok(channels.clone()),
            None => self.settle(self.channels.try_load(ChannelsOf(of.clone().into())).await),
        }
    }

    pub(crate) async fn channel(&self, of: &Arc<EventEntry>, name: ChannelName) -> Outcome<Option<Channel>> {
        match &of.channels {
            Some(channels) => Ok(channels.iter().find(|channel| channel.channel_name == name).cloned()),
            None => self.settle(self.channel.try_load(ChannelNamed { of: of.clone().into(), name }).await),
        }
    }

    pub(crate) async fn spending(&self, of: &Arc<EventEntry>) -> Outcome<Spending> {
        self.settle(self.spending.try_load(SpendingOf(of.clone().into())).await)
    }

    pub(crate) async fn timeline(&self, of: &Arc<EventEntry>, spec: TimelineSpec) -> Outcome<Arc<Timeline>> {
        self.settle(self.timelines.try_load(TimelineOf { of: of.clone().into(), spec }).await)
    }

    /// `None` where there is too little history to say.
    pub(crate) async fn forecast(
        &self,
        of: &Arc<EventEntry>,
        spec: ForecastSpec,
    ) -> Outcome<Option<Forecast>> {
        self.settle(self.forecasts.try_load(ForecastOf { of: of.clone().into(), spec }).await)
    }

    /// The overview of a user whom the viewer may see.
    pub(crate) async fn user(&self, id: UserId) -> Outcome<Arc<UserOverview>> {
        self.settle(self.users.try_load(UserById(id)).await)
    }

    /// A page of a user's events.
    pub(crate) async fn page(
        &self,
        owner: UserId,
        filter: EventFilter,
        order: EventOrder,
        page: PageRequest,
    ) -> Outcome<Arc<Page>> {
        self.settle(self.pages.try_load(PageOf { owner, list: (filter, order, page) }).await)
    }

    /// How many of a user's events the filter selects.
    pub(crate) async fn count(&self, owner: UserId, filter: EventFilter) -> Outcome<i64> {
        self.settle(self.counts.try_load(CountOf { owner, filter }).await)
    }

    /// The ranking of a user's channels.
    pub(crate) async fn ranking(&self, owner: UserId, query: RankingQuery) -> Outcome<Arc<Ranking>> {
        self.settle(self.rankings.try_load(RankingOf { owner, query }).await)
    }

    /// A user's events together over time.
    pub(crate) async fn user_timeline(&self, owner: UserId, spec: TimelineSpec) -> Outcome<Arc<Timeline>> {
        self.settle(self.user_timelines.try_load(TimelineOfUser { owner, spec }).await)
    }

    /// The library fails where a batch left a key out, which ours never do.
    fn settle<T>(&self, loaded: Result<Outcome<T>, std::io::Error>) -> Outcome<T> {
        loaded.unwrap_or_else(|error| Err(self.reader.reporter.defect(&error.to_string())))
    }
}

/// The keys by their arguments: one read for each different set. A document can't ask for more sets than it has fields.
fn grouped<K: Clone, A: Eq + Hash>(keys: &[K], arguments: impl Fn(&K) -> A) -> HashMap<A, Vec<K>> {
    let mut groups: HashMap<A, Vec<K>> = HashMap::new();
    for key in keys {
        groups.entry(arguments(key)).or_default().push(key.clone());
    }
    groups
}

/// Every key with its part of what was read, or with the one failure of the whole batch.
fn answers<K: Clone + Eq + Hash, R, T>(
    keys: &[K],
    read: &Outcome<R>,
    part: impl Fn(&R, &K) -> Outcome<T>,
) -> HashMap<K, Outcome<T>> {
    let answer = |key: &K| read.as_ref().map_err(Clone::clone).and_then(|read| part(read, key));
    keys.iter().map(|key| (key.clone(), answer(key))).collect()
}
