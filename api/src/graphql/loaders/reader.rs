use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use service::{
    Origin, Provenance, Service,
    channel_api::Breakers,
    domain::{UserId, Viewer},
    read::{EventEntry, EventFilter, Timeline},
};

use crate::error::{Fault, Reporter};

/// A cursor can be resumed from for an hour: one that a client is given has most of that before it.
const CURSOR_AGE: TimeDelta = TimeDelta::minutes(15);

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

    /// The service, for following: each update is made anew.
    pub(crate) const fn follows(&self) -> &Arc<Service> {
        &self.service
    }

    /// What the answer is made of so far.
    pub(crate) const fn provenance(&self) -> &Arc<Provenance> {
        &self.provenance
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
            if timeline.cursor.is_some() {
                self.provenance.holds_until(timeline.now + CURSOR_AGE);
            }
        }
    }

    /// What freshness is told from: the breakers, and the time. Both change by themselves, so the answer soon is another.
    pub(crate) async fn freshness(&self) -> (Breakers, DateTime<Utc>) {
        let breakers = self.service.breakers().await;
        let now = self.service.clock().now();
        self.provenance.holds_until(now + Breakers::MAX_AGE);
        (breakers, now)
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
