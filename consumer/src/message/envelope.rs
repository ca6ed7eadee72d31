//! Where the payload lies in a record, and what the message is called.

use super::{
    fields::{Fields, Place},
    rejection::{Code, Rejection, excerpt},
};

/// The most characters of a message id.
pub const MESSAGE_ID_MAX_CHARS: usize = 255;

const CLOUD_EVENT: &str = "application/cloudevents+json";

/// A record's headers, looked up without regard to case.
pub trait Headers {
    /// The value of the last header of that name.
    fn last(&self, name: &str) -> Option<&[u8]>;
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn last(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .rev()
            .find(|(key, _)| key.as_ref().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_ref())
    }
}

/// A payload without its envelope.
pub(super) struct Opened<'a> {
    /// The message's own fields.
    pub(super) fields: Fields<'a>,
    /// The id that the message carries, in its body or its envelope.
    pub(super) message_id: Option<String>,
}

/// Opens a payload: plain JSON, CloudEvents' binary mode (plain JSON too, its attributes in headers) or its structured
/// mode, whose payload may also come as bytes in base 64; `unpacked` keeps those.
pub(super) fn open<'a, H: Headers + ?Sized>(
    payload: &'a str,
    headers: &H,
    unpacked: &'a mut String,
) -> Result<Opened<'a>, Rejection> {
    let body = Fields::parse(payload, Place::Body)?;
    if !(is_cloud_event(headers) || looks_like_cloud_event(&body)) {
        let message_id = body_id(&body, "messageId")?;
        return Ok(Opened { fields: body, message_id });
    }
    let fields = match (body.optional("data")?, body.optional("data_base64")?) {
        (None, Some(bytes)) => {
            *unpacked = bytes.base64()?;
            Fields::parse(unpacked, Place::Data)?
        }
        (Some(_), Some(_)) => {
            return Err(Rejection::new(
                Code::DuplicateField,
                "data and data_base64 are both there; one of them is allowed",
            ));
        }
        (data, None) => data.ok_or_else(|| body.missing("data"))?.object(Place::Data)?,
    };
    let message_id = match body_id(&fields, "messageId")? {
        Some(id) => Some(id),
        None => body_id(&body, "id")?,
    };
    Ok(Opened { fields, message_id })
}

/// The id that a record's headers carry.
pub(super) fn header_id<H: Headers + ?Sized>(headers: &H) -> Result<Option<String>, Rejection> {
    for name in ["messageId", "ce_id"] {
        if let Some(value) = headers.last(name).filter(|value| !value.is_empty()) {
            return read_header_id(name, value).map(Some);
        }
    }
    Ok(None)
}

fn read_header_id(name: &str, value: &[u8]) -> Result<String, Rejection> {
    let id = std::str::from_utf8(value)
        .map_err(|_| Rejection::new(Code::InvalidUtf8, format!("the header {name} is not UTF-8")))?;
    if id.contains('\0') {
        return Err(Rejection::new(
            Code::NulCharacter,
            format!("the header {name} holds a NUL character; none is allowed"),
        ));
    }
    let length = id.chars().count();
    if length > MESSAGE_ID_MAX_CHARS {
        return Err(Rejection::new(
            Code::TooLong,
            format!(
                "the header {name} ({}) is {length} characters long; at most {MESSAGE_ID_MAX_CHARS} are allowed",
                excerpt(id)
            ),
        ));
    }
    Ok(id.to_owned())
}

/// An empty id says nothing and is taken as absent.
fn body_id(fields: &Fields<'_>, name: &'static str) -> Result<Option<String>, Rejection> {
    let Some(value) = fields.optional(name)? else { return Ok(None) };
    let id = value.text(MESSAGE_ID_MAX_CHARS)?;
    Ok((!id.is_empty()).then(|| id.into_owned()))
}

/// Where the content type does not say so. A message that merely has fields of those names says itself which event it is
/// about.
fn looks_like_cloud_event(body: &Fields<'_>) -> bool {
    body.has("specversion") && (body.has("data") || body.has("data_base64")) && !body.has("eventId")
}

fn is_cloud_event<H: Headers + ?Sized>(headers: &H) -> bool {
    let Some(Ok(value)) = headers.last("content-type").map(std::str::from_utf8) else { return false };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case(CLOUD_EVENT)
}
