//! A subscription is resolved in turns: the first finds out what it follows; then there is one for each update. So an
//! update can be made once for all who are to get it, whoever they are.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_graphql::Context;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use service::{
    Service,
    domain::{EventId, UserId, Viewer},
    live::{
        EventStep, EventUpdate, LiveError, LiveTimelineSpec, Resume, StepKey, TimelineStep, TimelineUpdate,
        UserStep, UserUpdate,
    },
};
use tokio::time::Instant;

use crate::error::{Fault, Reporter};

/// What a subscription follows.
pub(crate) struct Followed {
    pub(super) subject: Subject,
    pub(super) after: Option<String>,
    pub(super) interval: Duration,
}

pub(super) enum Subject {
    Timeline(EventId, LiveTimelineSpec),
    Event(EventId),
    User(UserId),
}

/// An update that has yet to be made.
pub(crate) enum Step {
    Timeline(TimelineStep),
    Event(EventStep),
    User(UserStep),
}

/// An update to be resolved.
pub(crate) enum Update {
    Timeline(TimelineUpdate),
    Event(EventUpdate),
    User(UserUpdate),
}

impl Followed {
    /// What happens to it from now on; `cursor` is one that came beside the document, as event streams send it when they
    /// reconnect. Cursors can be resumed from `within` so long.
    pub(crate) fn steps(
        self,
        service: &Arc<Service>,
        viewer: Viewer,
        cursor: Option<String>,
        within: Duration,
    ) -> BoxStream<'static, Result<Step, LiveError>> {
        let Self { subject, after, interval } = self;
        // It is newer than what the document says.
        let after = cursor.or(after).map(|cursor| Resume { cursor, within });
        match subject {
            Subject::Timeline(event, spec) => service
                .timeline_updates(viewer, event, spec, after, interval)
                .map(|step| step.map(Step::Timeline))
                .boxed(),
            Subject::Event(event) => service
                .event_updates(viewer, event, after, interval)
                .map(|step| step.map(Step::Event))
                .boxed(),
            Subject::User(user) => {
                service.user_updates(viewer, user, after, interval).map(|step| step.map(Step::User)).boxed()
            }
        }
    }
}

impl Step {
    /// Names the step; `None` where no other follower goes the same.
    pub(crate) fn key(&self) -> Option<StepKey> {
        match self {
            Self::Timeline(step) => step.key(),
            Self::Event(step) => step.key(),
            Self::User(step) => step.key(),
        }
    }

    /// Since when the follower could have been sent it, where a commit is what it tells of.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        match self {
            Self::Timeline(step) => step.due_at(),
            Self::Event(step) => step.due_at(),
            Self::User(step) => step.due_at(),
        }
    }

    pub(crate) fn update(&self) -> Update {
        match self {
            Self::Timeline(step) => Update::Timeline(step.update()),
            Self::Event(step) => Update::Event(step.update()),
            Self::User(step) => Update::User(step.update()),
        }
    }
}

impl Update {
    /// To go on from here.
    pub(crate) fn cursor(&self) -> &str {
        match self {
            Self::Timeline(update) => &update.cursor,
            Self::Event(update) => &update.cursor,
            Self::User(update) => &update.cursor,
        }
    }
}

/// What is to be done in this turn.
pub(crate) struct Turn(Mutex<Task>);

enum Task {
    /// To find out what is followed.
    Find(Option<Followed>),
    /// To show an update, or why there are no more.
    Show(Option<Result<Update, Fault>>),
}

impl Turn {
    pub(crate) fn find() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Task::Find(None))))
    }

    pub(crate) fn show(update: Result<Update, LiveError>, reporter: &Reporter) -> Arc<Self> {
        let update = update.map_err(|error| super::faults::live_fault(error, reporter));
        Arc::new(Self(Mutex::new(Task::Show(Some(update)))))
    }

    /// What was found, if the arguments were right.
    pub(crate) fn found(&self) -> Option<Followed> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Task::Find(found) => found.take(),
            Task::Show(_) => None,
        }
    }
}

pub(super) type Updates<T> = BoxStream<'static, Result<T, Fault>>;

/// Takes this turn.
pub(super) fn take<T: Send + 'static>(
    ctx: &Context<'_>,
    followed: Followed,
    of_kind: impl Fn(Update) -> Option<T>,
) -> Updates<T> {
    let turn = ctx.data_unchecked::<Arc<Turn>>();
    let update = match &mut *turn.0.lock().unwrap_or_else(PoisonError::into_inner) {
        Task::Find(found) => {
            *found = Some(followed);
            None
        }
        Task::Show(update) => update.take().and_then(|update| match update {
            Ok(update) => of_kind(update).map(Ok),
            Err(fault) => Some(Err(fault)),
        }),
    };
    stream::iter(update).boxed()
}
