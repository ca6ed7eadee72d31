use async_graphql::{ID, InputObject};

use super::analytics::EventStatus;
use crate::{
    error::Fault,
    graphql::{
        channel::ChannelType,
        faults,
        scalar::{DateTime, Decimal},
    },
};

/// The most ids that a filter takes: no page holds more events.
const MAX_EVENT_IDS: usize = 100;

/// Which events: every part that is given must hold. An empty list holds for no event.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct EventFilter {
    /// Of this owner.
    user_id: Option<ID>,
    /// Among these, up to 100.
    event_ids: Option<Vec<ID>>,
    /// In one of these states.
    status: Option<Vec<EventStatus>>,
    /// With this text in the title, in upper or lower case.
    title_contains: Option<String>,
    /// Created at this instant or later.
    created_from: Option<DateTime>,
    /// Created before this instant.
    created_to: Option<DateTime>,
    /// With a channel of one of these types.
    channel_type: Option<Vec<ChannelType>>,
    /// With at least so many participants.
    min_participants: Option<i32>,
    /// With at least this ROI, percent. Events without an ROI are left out.
    min_roi: Option<Decimal>,
}

impl EventFilter {
    pub(crate) fn read(filter: Option<Self>) -> Result<service::read::EventFilter, Fault> {
        let filter = filter.unwrap_or_default();
        if filter.title_contains.as_deref().is_some_and(|text| text.contains('\0')) {
            return Err(Fault::input("filter.titleContains", "holds a NUL character; give a text without"));
        }
        let ids = filter.event_ids.as_ref().map_or(0, Vec::len);
        if ids > MAX_EVENT_IDS {
            let problem = format!("holds {ids} ids; at most {MAX_EVENT_IDS} are allowed");
            return Err(Fault::input("filter.eventIds", problem));
        }
        Ok(service::read::EventFilter {
            user_id: filter.user_id.map(|id| faults::user_id("filter.userId", &id)).transpose()?,
            event_ids: filter
                .event_ids
                .map(|ids| ids.iter().map(|id| faults::event_id("filter.eventIds", id)).collect())
                .transpose()?,
            status: filter.status.map(|status| status.into_iter().map(Into::into).collect()),
            title_contains: filter.title_contains,
            created_from: filter.created_from.map(|instant| instant.0),
            created_to: filter.created_to.map(|instant| instant.0),
            channel_type: filter.channel_type.map(|types| types.into_iter().map(Into::into).collect()),
            min_participants: filter.min_participants,
            min_roi: filter.min_roi.map(|percent| percent.0),
        })
    }
}
