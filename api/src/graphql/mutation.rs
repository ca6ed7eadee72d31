use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use service::{
    channel_api::{self, RefreshError, Refreshed},
    read::{EventEntry, With},
};

use super::{
    channel::CHANNELS,
    context::{loaders, renew},
    event::{EventAnalytics, read_with},
    faults,
    freshness::Freshness,
    leaf::Branch,
};
use crate::error::{ErrorCode, Fault};

/// What a refresh is counted as in the cost of an operation: other services are called for it.
const REFRESH: usize = 300;

pub(crate) struct Mutation;

/// What changes something.
#[Object]
impl Mutation {
    /// Reads the external channel APIs now, stores what they say, and returns the event as it is then. Whoever follows
    /// the event hears of it. Callers who ask for the same event at the same time share one reading.
    #[graphql(complexity = "REFRESH + child_complexity")]
    async fn refresh_event(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event's id in the service that owns events, 1 to 36 characters.")] event_id: ID,
    ) -> Result<RefreshEventPayload, Fault> {
        let id = faults::event_id("eventId", &event_id)?;
        let asked = loaders(ctx);
        let Some(entry) = asked.event(id.clone(), With::Nothing).await? else {
            return Ok(RefreshEventPayload { event: None, refreshed: Arc::new([]) });
        };
        let reader = asked.reader();
        let refreshed = reader.follows().refresh_event(&entry).await.map_err(|error| match error {
            RefreshError::Service(error) => reader.reporter.service(&error),
            RefreshError::BrokeOff => {
                Fault::new(ErrorCode::Unavailable, "The refresh broke off. Try again in a moment.")
            }
        })?;
        // What was read before the refresh is not the event as it is now.
        renew(ctx);
        let asked = ctx.look_ahead();
        let with = if asked.field("channels").exists() {
            With::Freshness
        } else {
            read_with(&[asked.field("event")])
        };
        Ok(RefreshEventPayload { event: loaders(ctx).event(id, with).await?, refreshed })
    }
}

/// What a refresh has brought.
pub(crate) struct RefreshEventPayload {
    event: Option<Arc<EventEntry>>,
    refreshed: Arc<[Refreshed]>,
}

/// What a refresh has brought.
#[Object]
impl RefreshEventPayload {
    /// The event as it is now. Null where it is unknown, not described yet, or not the caller's.
    async fn event(&self) -> Option<Branch<EventAnalytics>> {
        self.event.clone().map(EventAnalytics).map(Branch)
    }

    /// What became of each of its channels, by name.
    #[graphql(complexity = "1 + CHANNELS * child_complexity")]
    async fn channels(&self, ctx: &Context<'_>) -> Result<Vec<ChannelRefresh>, Fault> {
        let Some(entry) = &self.event else { return Ok(Vec::new()) };
        let loaders = loaders(ctx);
        let channels = loaders.channels(entry).await?;
        let (breakers, now) = loaders.reader().freshness().await;
        let refresh = |one: &Refreshed| {
            let channel = channels.iter().find(|channel| channel.channel_name == one.channel_name)?;
            let freshness = channel_api::Freshness::of_channel(channel, entry.event.status, breakers, now);
            Some(
                Freshness::of(loaders.reader(), freshness)
                    .map(|freshness| ChannelRefresh::of(one, freshness)),
            )
        };
        self.refreshed.iter().filter_map(refresh).collect()
    }
}

/// What became of one channel.
#[derive(async_graphql::SimpleObject)]
pub(crate) struct ChannelRefresh {
    /// The channel's name.
    channel_name: String,
    /// Whether its numbers are now those of its external API. A number that is lower than the stored one is kept out all
    /// the same.
    refreshed: bool,
    /// Why it was not refreshed, in words; null where it was. The stored numbers stand then.
    error: Option<String>,
    /// How fresh its numbers are now.
    freshness: Freshness,
}

impl ChannelRefresh {
    fn of(refreshed: &Refreshed, freshness: Freshness) -> Self {
        Self {
            channel_name: refreshed.channel_name.to_string(),
            refreshed: refreshed.outcome.is_ok(),
            error: refreshed.outcome.as_ref().err().map(ToString::to_string),
            freshness,
        }
    }
}
