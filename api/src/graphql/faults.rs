//! What the service's refusals mean to a client.

use service::{
    domain::{ChannelName, EventId, InvalidId, UserId},
    live::LiveError,
    read::PageError,
    timeline::RangeError,
};

use crate::error::{ErrorCode, Fault, Reporter};

pub(crate) fn range_fault(error: RangeError) -> Fault {
    let text = error.to_string();
    let text = text.strip_prefix("range: ").unwrap_or(&text);
    Fault::new(ErrorCode::BadUserInput, format!("Argument `range`: {text}."))
}

pub(super) fn page_fault(error: PageError, reporter: &Reporter) -> Fault {
    match error {
        PageError::FirstWithLast => {
            Fault::input("first", "can't be given together with `last`; give one of them")
        }
        PageError::Limit { argument, value } => {
            Fault::input(argument, format!("is {value}; 0 to 100 are allowed"))
        }
        PageError::Cursor { argument, source } => Fault::input(argument, source),
        PageError::Service(error) => reporter.service(&error),
    }
}

pub(super) fn live_fault(error: LiveError, reporter: &Reporter) -> Fault {
    match error {
        LiveError::Forbidden => forbidden(),
        LiveError::ResyncRequired => resync("is older than what is kept"),
        LiveError::Cursor(error) => resync(&error.to_string()),
        LiveError::Range(error) => range_fault(error),
        LiveError::Lost => Fault::new(ErrorCode::Unavailable, "The stream broke off; subscribe again."),
        LiveError::Service(error) => reporter.service(&error),
    }
}

fn resync(why: &str) -> Fault {
    let message = format!("Argument `after` {why}. Subscribe without `after` to begin with a new snapshot.");
    Fault::new(ErrorCode::ResyncRequired, message)
}

pub(super) fn forbidden() -> Fault {
    Fault::new(ErrorCode::Forbidden, "Only the user or an admin may see this.")
}

fn id_fault(argument: &str, error: &InvalidId, limit: usize) -> Fault {
    Fault::input(argument, format!("{error}; 1 to {limit} characters without NUL are allowed"))
}

pub(crate) fn event_id(argument: &str, text: &str) -> Result<EventId, Fault> {
    EventId::parse(text).map_err(|error| id_fault(argument, &error, EventId::MAX_CHARS))
}

pub(super) fn user_id(argument: &str, text: &str) -> Result<UserId, Fault> {
    UserId::parse(text).map_err(|error| id_fault(argument, &error, UserId::MAX_CHARS))
}

pub(super) fn channel_name(argument: &str, text: &str) -> Result<ChannelName, Fault> {
    ChannelName::parse(text).map_err(|error| id_fault(argument, &error, ChannelName::MAX_CHARS))
}
