use async_graphql::ID;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use service::domain::{ChannelName, EventId, UserId};

/// What a `Node`'s id stands for. Clients take ids as opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GlobalId {
    Event(EventId),
    Channel(EventId, ChannelName),
    User(UserId),
}

/// No identifier of the domain holds it.
const SEPARATOR: char = '\0';

impl GlobalId {
    pub(crate) fn encode(&self) -> ID {
        let text = match self {
            Self::Event(event) => format!("Event{SEPARATOR}{event}"),
            Self::Channel(event, channel) => format!("Channel{SEPARATOR}{event}{SEPARATOR}{channel}"),
            Self::User(user) => format!("User{SEPARATOR}{user}"),
        };
        ID(URL_SAFE_NO_PAD.encode(text))
    }

    /// `None` for anything that was not given out.
    pub(crate) fn decode(id: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
        let (kind, key) = text.split_once(SEPARATOR)?;
        match kind {
            "Event" => Some(Self::Event(EventId::parse(key).ok()?)),
            "User" => Some(Self::User(UserId::parse(key).ok()?)),
            "Channel" => {
                let (event, channel) = key.split_once(SEPARATOR)?;
                Some(Self::Channel(EventId::parse(event).ok()?, ChannelName::parse(channel).ok()?))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back() {
        let event = EventId::parse("evt:0001/가").unwrap();
        let channel = ChannelName::parse("우리동네TV").unwrap();
        for id in [
            GlobalId::Event(event.clone()),
            GlobalId::Channel(event, channel),
            GlobalId::User(UserId::parse("user-01").unwrap()),
        ] {
            assert_eq!(GlobalId::decode(&id.encode()), Some(id));
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for id in [
            String::new(),
            "evt-0001".to_owned(),
            encoded("Event"),
            encoded("Event\0"),
            encoded("Event\0a\0b"),
            encoded("Channel\0a"),
            encoded("Shop\0a"),
        ] {
            assert_eq!(GlobalId::decode(&id), None, "{id}");
        }
    }
}
