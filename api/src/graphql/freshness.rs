use async_graphql::{Enum, SimpleObject};
use service::channel_api;

use super::{loaders::Reader, scalar::DateTime};
use crate::error::Fault;

/// Where numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "channel_api::DataSource")]
pub(crate) enum DataSource {
    /// The newest came from a reading of the channel's external API.
    ExternalApi,
    /// The newest came from messages.
    Kafka,
    /// An external API should have renewed them, but could not.
    Stored,
}

/// What the circuit breaker in front of an external API does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "service::domain::BreakerState")]
pub(crate) enum BreakerState {
    /// It lets them through: the API answers.
    Closed,
    /// It lets none through: the API has failed repeatedly.
    Open,
    /// It lets one through, to see whether the API answers again.
    HalfOpen,
}

/// How fresh this part of the answer is. An open breaker gives the last stored numbers and says so here.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct Freshness {
    /// When the numbers were so: the time of the newest reading or distribution; of participants alone where there is
    /// neither. For an event, that of its least fresh channel; the event's own `updatedAt` where no channel is read.
    as_of: DateTime,
    /// Where the newest numbers come from.
    source: DataSource,
    /// Whether they are older than a few refresh intervals or their API's breaker is not closed. Never true where no
    /// external API is configured, nor for events that are not active: those are not read any more.
    is_stale: bool,
    /// The breaker in front of the channel's external API; for an event, the worst of its channels'. Null where no
    /// external API is configured.
    breaker: Option<BreakerState>,
}

impl Freshness {
    /// Look-ahead sees to it that what it follows from was read: `None` is a defect.
    pub(super) fn of(reader: &Reader, freshness: Option<channel_api::Freshness>) -> Result<Self, Fault> {
        let defect = || reader.reporter.defect("a channel was read without when it was last told");
        let freshness = freshness.ok_or_else(defect)?;
        Ok(Self {
            as_of: freshness.as_of.into(),
            source: freshness.source.into(),
            is_stale: freshness.is_stale,
            breaker: freshness.breaker.map(Into::into),
        })
    }
}
