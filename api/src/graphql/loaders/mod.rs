//! One round trip for all parents of a level: fields that need something of an event wait for each other and are read
//! together. A set of loaders belongs to one execution and one viewer, and remembers nothing beyond.

mod channel;
mod event;
mod forecast;
mod held;
mod key;
mod reader;
mod spending;
mod timeline;
mod user;

use std::{
    collections::HashMap,
    fmt::Debug,
    hash::Hash,
    sync::{Arc, OnceLock},
};

use dataloader::{BatchFn, cached::Loader};
use service::{
    domain::{Channel, ChannelName, EventId, UserId, UserOverview},
    metrics::Ranking,
    read::{
        EventEntry, EventFilter, EventOrder, ForecastSpec, Page, PageRequest, RankingQuery, Spending,
        Timeline, TimelineSpec, With,
    },
    timeline::Forecast,
};

pub(crate) use self::reader::Reader;
use self::{
    held::Held,
    key::{
        ChannelNamed, ChannelsOf, CountOf, EventById, ForecastOf, PageOf, RankingOf, SpendingOf, TimelineOf,
        TimelineOfUser, UserById,
    },
};
use crate::error::Fault;

/// Turns of the executor to wait for more keys. Siblings ask within one turn; a second one takes in those that come
/// from another loader.
const TURNS: usize = 2;
/// More keys than any operation within the limits asks for: a batch is never split.
const BATCH: usize = 100_000;

type Outcome<T> = Result<T, Fault>;
/// Made when it is first asked: an operation needs few of them.
type Of<K, T> = OnceLock<Loader<K, Outcome<T>, Reader>>;

/// The loaders of one execution.
pub(crate) struct Loaders {
    reader: Reader,
    held_events: Held<EventId, Option<Arc<EventEntry>>>,
    held_timelines: Held<TimelineOf, Arc<Timeline>>,
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

impl Loaders {
    pub(crate) const fn new(reader: Reader) -> Self {
        Self {
            reader,
            held_events: Held::new(),
            held_timelines: Held::new(),
            events: OnceLock::new(),
            channels: OnceLock::new(),
            channel: OnceLock::new(),
            spending: OnceLock::new(),
            timelines: OnceLock::new(),
            forecasts: OnceLock::new(),
            users: OnceLock::new(),
            pages: OnceLock::new(),
            counts: OnceLock::new(),
            rankings: OnceLock::new(),
            user_timelines: OnceLock::new(),
        }
    }

    /// For what is asked for once per field, and so needs no loader.
    pub(crate) const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The event, if it is described and the viewer's, read with what will be asked for next.
    pub(crate) async fn event(&self, id: EventId, with: With) -> Outcome<Option<Arc<EventEntry>>> {
        let held = self.held_events.find(&id, self.events.get().is_none(), || self.reader.held_event(&id));
        match held {
            Some(held) => held,
            None => self.load(&self.events, EventById { id, with }).await,
        }
    }

    /// The event's channels, by name.
    pub(crate) async fn channels(&self, of: &Arc<EventEntry>) -> Outcome<Arc<[Channel]>> {
        match &of.channels {
            Some(channels) => Ok(channels.clone()),
            None => self.load(&self.channels, ChannelsOf(of.clone().into())).await,
        }
    }

    pub(crate) async fn channel(&self, of: &Arc<EventEntry>, name: ChannelName) -> Outcome<Option<Channel>> {
        match &of.channels {
            Some(channels) => Ok(channels.iter().find(|channel| channel.channel_name == name).cloned()),
            None => self.load(&self.channel, ChannelNamed { of: of.clone().into(), name }).await,
        }
    }

    pub(crate) async fn spending(&self, of: &Arc<EventEntry>) -> Outcome<Spending> {
        match of.spending() {
            Some(spending) => Ok(spending),
            None => self.load(&self.spending, SpendingOf(of.clone().into())).await,
        }
    }

    pub(crate) async fn timeline(&self, of: &Arc<EventEntry>, spec: TimelineSpec) -> Outcome<Arc<Timeline>> {
        let key = TimelineOf { of: of.clone().into(), spec };
        let is_first = self.timelines.get().is_none();
        match self.held_timelines.find(&key, is_first, || self.reader.held_timeline(of, &spec)) {
            Some(held) => held,
            None => self.load(&self.timelines, key).await,
        }
    }

    /// `None` where there is too little history to say.
    pub(crate) async fn forecast(
        &self,
        of: &Arc<EventEntry>,
        spec: ForecastSpec,
    ) -> Outcome<Option<Forecast>> {
        self.load(&self.forecasts, ForecastOf { of: of.clone().into(), spec }).await
    }

    /// The overview of a user whom the viewer may see.
    pub(crate) async fn user(&self, id: UserId) -> Outcome<Arc<UserOverview>> {
        self.load(&self.users, UserById(id)).await
    }

    /// A page of a user's events, read with what will be asked for next.
    pub(crate) async fn page(
        &self,
        owner: UserId,
        filter: EventFilter,
        order: EventOrder,
        page: PageRequest,
        with: With,
    ) -> Outcome<Arc<Page>> {
        self.load(&self.pages, PageOf { owner, list: (filter, order, page, with) }).await
    }

    /// How many of a user's events the filter selects.
    pub(crate) async fn count(&self, owner: UserId, filter: EventFilter) -> Outcome<i64> {
        self.load(&self.counts, CountOf { owner, filter }).await
    }

    /// The ranking of a user's channels.
    pub(crate) async fn ranking(&self, owner: UserId, query: RankingQuery) -> Outcome<Arc<Ranking>> {
        self.load(&self.rankings, RankingOf { owner, query }).await
    }

    /// A user's events together over time.
    pub(crate) async fn user_timeline(&self, owner: UserId, spec: TimelineSpec) -> Outcome<Arc<Timeline>> {
        self.load(&self.user_timelines, TimelineOfUser { owner, spec }).await
    }

    async fn load<K, T>(&self, loader: &Of<K, T>, key: K) -> Outcome<T>
    where
        K: Clone + Debug + Eq + Hash,
        T: Clone,
        Reader: BatchFn<K, Outcome<T>>,
    {
        let loader = loader.get_or_init(|| {
            Loader::new(self.reader.clone()).with_yield_count(TURNS).with_max_batch_size(BATCH)
        });
        // In a box: the library makes room for the largest field of an object for each field of it.
        let found = Box::pin(loader.try_load(key)).await;
        // The library fails where a batch left a key out, which ours never do.
        found.unwrap_or_else(|error| Err(self.reader.reporter.defect(&error.to_string())))
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
