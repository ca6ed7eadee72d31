use service::ingest::ParticipantRegistered;

use super::{fields::Fields, rejection::Rejection, value::Value};

/// `participantId` is not read: the message id alone says whether a participant was counted. A type without a name is
/// checked, and belongs to no channel.
pub(super) fn read(fields: &Fields<'_>) -> Result<ParticipantRegistered, Rejection> {
    let event_id = fields.required("eventId")?.event_id()?;
    let name = fields.optional("channelName")?.map(Value::channel_name).transpose()?;
    let kind = fields.optional("channelType")?.map(Value::channel_type).transpose()?;
    let channel = match (name, kind) {
        (Some(name), Some(kind)) => Some((name, kind)),
        (Some(_), None) => return Err(fields.missing("channelType")),
        (None, _) => None,
    };
    Ok(ParticipantRegistered { event_id, channel, occurred_at: fields.required("occurredAt")?.instant()? })
}
