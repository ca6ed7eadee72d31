use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    rejection::{Code, Rejection},
    value::Value,
};

/// Where an object stands in its message, for the texts that name a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The message itself.
    Body,
    /// The `data` of a CloudEvents envelope.
    Data,
    /// One entry of `channels`, counted from 0.
    Channel(usize),
}

impl Place {
    /// The full name of `field` at this place.
    pub(super) fn name(self, field: &str) -> String {
        match self {
            Self::Body => field.to_owned(),
            Self::Data => format!("data.{field}"),
            Self::Channel(index) => format!("channels[{index}].{field}"),
        }
    }

    fn label(self) -> String {
        match self {
            Self::Body => "the message".to_owned(),
            Self::Data => "data".to_owned(),
            Self::Channel(index) => format!("channels[{index}]"),
        }
    }
}

/// The fields of one JSON object, their values still as text.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    place: Place,
    entries: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    /// Reads the object that `json` holds.
    pub(super) fn parse(json: &'a str, place: Place) -> Result<Self, Rejection> {
        if first_kind(json).is_some_and(|kind| kind != "an object") {
            // Told apart from broken JSON, but only where it is whole JSON otherwise.
            if let Ok(whole) = serde_json::from_str::<&RawValue>(json) {
                let found = first_kind(whole.get()).unwrap_or("something else");
                return Err(Rejection::new(
                    Code::WrongType,
                    format!("{} is {found}; it has to be a JSON object", place.label()),
                ));
            }
        }
        let Entries(entries) = serde_json::from_str(json).map_err(|fault| {
            Rejection::new(Code::InvalidJson, format!("{} is not valid JSON: {fault}", place.label()))
        })?;
        Ok(Self { place, entries })
    }

    /// Whether the object has the field, be it null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, _)| key == name)
    }

    /// The field's value; `None` where it is absent or null.
    pub(super) fn optional(&self, name: &'static str) -> Result<Option<Value<'a>>, Rejection> {
        let mut found = self.entries.iter().filter(|(key, _)| key == name).map(|&(_, raw)| raw);
        let Some(raw) = found.next() else { return Ok(None) };
        if found.next().is_some() {
            return Err(Rejection::new(
                Code::DuplicateField,
                format!("{} is there more than once", self.place.name(name)),
            ));
        }
        Ok((raw.get() != "null").then_some(Value::new(self.place, name, raw)))
    }

    /// The field's value.
    pub(super) fn required(&self, name: &'static str) -> Result<Value<'a>, Rejection> {
        self.optional(name)?.ok_or_else(|| self.missing(name))
    }

    /// Says that the field is required.
    pub(super) fn missing(&self, name: &str) -> Rejection {
        Rejection::new(Code::MissingField, format!("{} is missing; it is required", self.place.name(name)))
    }
}

/// The JSON type that a text starts like.
pub(super) fn first_kind(json: &str) -> Option<&'static str> {
    Some(match json.trim_ascii_start().as_bytes().first()? {
        b'{' => "an object",
        b'[' => "an array",
        b'"' => "a string",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        b'-' | b'0'..=b'9' => "a number",
        _ => return None,
    })
}

struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(12);
                while let Some((Text(key), value)) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
