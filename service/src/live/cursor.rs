use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{LiveError, Resume};
use crate::{
    Service,
    cursor::{CursorError, Cursors},
    domain::{EventId, Granularity, Revision, UserId},
    timeline::Window,
};

/// What a stream is about: a cursor of one resumes no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Subject {
    Timeline { event: EventId, granularity: Granularity, zone: String },
    Event(EventId),
    User(UserId),
}

/// What whoever has a timeline's cursor has seen.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct ChartSeen {
    pub(super) revision: Revision,
    /// Of the window.
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    /// Which buckets were over was told as of then.
    pub(super) at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Place<S> {
    subject: Subject,
    state: S,
    at: DateTime<Utc>,
}

/// Seals and opens the cursors of one stream.
pub(super) struct Bookmarks {
    cursors: Cursors,
    subject: Subject,
}

impl Bookmarks {
    pub(super) async fn of(service: &Service, subject: Subject) -> Result<Self, LiveError> {
        // Boxed, so that streams don't keep room for what is done once.
        Ok(Self { cursors: Box::pin(service.cursors()).await?, subject })
    }

    pub(super) fn seal<S: Serialize>(&self, state: S, at: DateTime<Utc>) -> String {
        seal(&self.cursors, self.subject.clone(), state, at)
    }

    /// What was seen.
    ///
    /// # Errors
    /// The cursor is of another stream, or was given out longer ago than can be resumed from.
    pub(super) fn open<S: DeserializeOwned>(&self, service: &Service, from: &Resume) -> Result<S, LiveError> {
        let place: Place<S> = self.cursors.open(&from.cursor)?;
        if place.subject != self.subject {
            return Err(CursorError::OtherList.into());
        }
        let window = TimeDelta::from_std(from.within).unwrap_or(TimeDelta::MAX);
        if service.clock().now() - place.at > window {
            return Err(LiveError::ResyncRequired);
        }
        Ok(place.state)
    }
}

fn seal<S: Serialize>(cursors: &Cursors, subject: Subject, state: S, at: DateTime<Utc>) -> String {
    cursors.seal(&Place { subject, state, at })
}

/// Where a follower of a timeline can go on from. Signed only when it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct TimelineBookmark {
    pub(crate) cursors: Cursors,
    pub(crate) event: EventId,
    pub(crate) revision: Revision,
}

impl TimelineBookmark {
    /// A cursor to resume [`Service::follow_timeline`] from exactly here, for a timeline that was read now.
    pub(crate) fn seal(&self, window: &Window, now: DateTime<Utc>) -> String {
        let subject = timeline_subject(&self.event, window.granularity(), window.zone());
        let seen = ChartSeen { revision: self.revision, from: window.from(), to: window.to(), at: now };
        seal(&self.cursors, subject, seen, now)
    }
}

pub(super) fn timeline_subject(event: &EventId, granularity: Granularity, zone: chrono_tz::Tz) -> Subject {
    Subject::Timeline { event: event.clone(), granularity, zone: zone.name().to_owned() }
}
