use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::LiveError;
use crate::{
    cursor::{CursorError, Cursors},
    domain::{EventId, Granularity, Revision, UserId},
};

/// How long a cursor can be resumed from.
const RESUMABLE: TimeDelta = TimeDelta::hours(1);

/// What a stream is about: a cursor of one resumes no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Subject {
    Timeline { event: EventId, granularity: Granularity, zone: String },
    Event(EventId),
    User(UserId),
}

#[derive(Debug, Serialize, Deserialize)]
struct Place<S> {
    subject: Subject,
    state: S,
    at: DateTime<Utc>,
}

pub(super) fn seal<S: Serialize>(
    cursors: &Cursors,
    subject: &Subject,
    state: S,
    at: DateTime<Utc>,
) -> String {
    cursors.seal(&Place { subject: subject.clone(), state, at })
}

/// What was seen, and when.
pub(super) fn open<S: DeserializeOwned>(
    cursors: &Cursors,
    subject: &Subject,
    now: DateTime<Utc>,
    cursor: &str,
) -> Result<(S, DateTime<Utc>), LiveError> {
    let place: Place<S> = cursors.open(cursor)?;
    if place.subject != *subject {
        return Err(CursorError::OtherList.into());
    }
    if now - place.at > RESUMABLE {
        return Err(LiveError::ResyncRequired);
    }
    Ok((place.state, place.at))
}

/// The cursor of a timeline that was queried at a revision.
pub(crate) fn timeline_cursor(
    cursors: &Cursors,
    event: &EventId,
    granularity: Granularity,
    zone: Tz,
    revision: Revision,
    now: DateTime<Utc>,
) -> String {
    seal(cursors, &timeline_subject(event, granularity, zone), revision, now)
}

pub(super) fn timeline_subject(event: &EventId, granularity: Granularity, zone: Tz) -> Subject {
    Subject::Timeline { event: event.clone(), granularity, zone: zone.name().to_owned() }
}
