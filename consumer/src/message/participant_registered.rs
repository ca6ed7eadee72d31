use service::ingest::ParticipantRegistered;

use super::{fields::Fields, rejection::Rejection};

/// `participantId` is not read: the message id alone says whether a participant was counted. A type without a name is
/// checked, and belongs to no channel.
pub(super) fn read(fields: &Fields<'_>) -> Result<ParticipantRegistered, Rejection> {
    let event_id = fields.required("eventId")?.event_id()?;
    let channel = match fields.optional("channelName")? {
        Some(name) => Some((name.channel_name()?, fields.required("channelType")?.channel_type()?)),
        None => {
            fields.optional("channelType")?.map(|value| value.channel_type()).transpose()?;
            None
        }
    };
    Ok(ParticipantRegistered { event_id, channel, occurred_at: fields.required("occurredAt")?.instant()? })
}
