use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use service::{
    Origin, Provenance, Service,
    channel_api::Breakers,
    domain::{EventId, UserId, Viewer},
    read::{EventEntry, EventFilter, Timeline, TimelineSpec},
};

use super::Outcome;
use crate::{
    error::{Fault, Reporter},
    graphql::faults::range_fault,
};

/// A cursor can be resumed from for an hour: one that a client is given has most of that before it.
const CURSOR_AGE: TimeDelta = TimeDelta::minutes(15);
/// How far behind an answer may be in what it says of its freshness.
const FRESHNESS_AGE: TimeDelta = TimeDelta::seconds(1);

/// What all loaders read through.
#[derive(Clone)]
pub(crate) struct Reader {
    service: Arc<Service>,
    provenance: Arc<Provenance>,
    pub(crate) viewer: Viewer,
    pub(crate) reporter: Reporter,
}

impl Reader {
    pub(crate) fn new(service: Arc<Service>, viewer: Viewer, reporter: Reporter) -> Self {
        let provenance = Arc::new(service.provenance());
        Self { service, provenance, viewer, reporter }
    }

    /// The service, for reading this and nothing else: a commit that touches it ends the answer.
    pub(crate) fn reads(&self, origins: impl IntoIterator<Item = Origin>) -> &Arc<Service> {
        self.provenance.reads(origins);
        &self.service
    }

    /// What freshness is told by besides the numbers: the breakers, and now.
    pub(crate) async fn freshness(&self) -> (Breakers, DateTime<Utc>) {
        let (breakers, now) = (self.service.breakers().await, self.service.clock().now());
        // Breakers open, and numbers grow old, without a commit.
        if breakers != Breakers::default() {
            self.provenance.holds_until(now + FRESHNESS_AGE);
        }
        (breakers, now)
    }

    /// The service, for following and for changing: what they give is made anew each time.
    pub(crate) const fn follows(&self) -> &Arc<Service> {
        &self.service
    }

    /// What the answer is made of so far.
    pub(crate) const fn provenance(&self) -> &Arc<Provenance> {
        &self.provenance
    }

    /// The event where this process holds it; see [`Service::held_event`].
    pub(super) fn held_event(&self, id: &EventId) -> Option<Outcome<Option<Arc<EventEntry>>>> {
        self.reads([Origin::Event(id.clone())]).held_event(&self.viewer, id).ok().map(Ok)
    }

    /// The timeline where this process holds what it is made of; see [`Service::held_timeline`].
    pub(super) fn held_timeline(
        &self,
        of: &Arc<EventEntry>,
        spec: &TimelineSpec,
    ) -> Option<Outcome<Arc<Timeline>>> {
        let held = self.reads_of([of]).held_timeline(of, spec)?;
        self.holds_like(&held);
        Some(held.map_err(range_fault))
    }

    pub(super) fn reads_of<'a>(
        &self,
        events: impl IntoIterator<Item = &'a Arc<EventEntry>>,
    ) -> &Arc<Service> {
        self.reads(events.into_iter().map(|entry| Origin::Event(entry.event.event_id.clone())))
    }

    pub(super) fn reads_of_users<'a>(&self, users: impl IntoIterator<Item = &'a UserId>) -> &Arc<Service> {
        self.reads(users.into_iter().cloned().map(Origin::User))
    }

    /// An answer with these timelines in it holds as long as all of them do.
    pub(super) fn holds_like<'a>(&self, timelines: impl IntoIterator<Item = &'a Arc<Timeline>>) {
        for timeline in timelines {
            if let Some(until) = timeline.holds_until {
                self.provenance.holds_until(until);
            }
        }
    }

    /// An answer with a cursor in it that was given out then has to be another one some day.
    pub(crate) fn tells_a_cursor_of(&self, given_out: DateTime<Utc>) {
        self.provenance.holds_until(given_out + CURSOR_AGE);
    }

    /// For a list that a filter selects.
    pub(crate) fn reads_list(&self, filter: &EventFilter) -> &Arc<Service> {
        let owner = self.viewer.scope().or(filter.user_id.as_ref());
        self.reads([owner.map_or(Origin::Everything, |owner| Origin::User(owner.clone()))])
    }

    /// An event that an entry was given out for can't be missing from an answer about it.
    pub(super) fn missing(&self, what: &str) -> Fault {
        self.reporter.defect(&format!("the service left out the {what} of an event that it knows"))
    }
}
