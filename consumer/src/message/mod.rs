//! From a record's bytes to a fact that fits its columns, or to a named reason why not.

mod distribution_completed;
mod envelope;
mod event_created;
mod fields;
mod number;
mod participant_registered;
mod rejection;
mod value;

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;

use service::ingest::Fact;

pub use envelope::{Headers, MESSAGE_ID_MAX_CHARS};
pub use rejection::{Code, Rejection};

/// Which of the three messages a topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An event was planned, or its description changed.
    EventCreated,
    /// A person registered.
    ParticipantRegistered,
    /// An event was distributed over channels.
    DistributionCompleted,
}

/// A message that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The id that it carries; `None` where it carries none and its position has to do.
    pub message_id: Option<String>,
    /// What it says.
    pub fact: Fact,
}

/// Reads a record's payload: JSON, plain or in a CloudEvents envelope.
///
/// # Errors
/// [`Rejection`] where it can't be applied, whatever the state of the statistics.
pub fn decode<H: Headers + ?Sized>(
    kind: Kind,
    payload: Option<&[u8]>,
    headers: &H,
) -> Result<Decoded, Rejection> {
    let payload = payload.filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
        Rejection::new(Code::EmptyPayload, "the message has no payload; a JSON object is required")
    })?;
    let payload = std::str::from_utf8(payload)
        .map_err(|fault| Rejection::new(Code::InvalidUtf8, format!("the payload is not UTF-8: {fault}")))?;
    let mut unpacked = String::new();
    let opened = envelope::open(payload, headers, &mut unpacked)?;
    let message_id = match opened.message_id {
        Some(id) => Some(id),
        None => envelope::header_id(headers)?,
    };
    let fields = &opened.fields;
    let fact = match kind {
        Kind::EventCreated => Fact::EventCreated(Box::new(event_created::read(fields)?)),
        Kind::ParticipantRegistered => Fact::ParticipantRegistered(participant_registered::read(fields)?),
        Kind::DistributionCompleted => Fact::DistributionCompleted(distribution_completed::read(fields)?),
    };
    Ok(Decoded { message_id, fact })
}
