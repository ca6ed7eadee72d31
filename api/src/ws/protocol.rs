use async_graphql::ServerError;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::execution::Answer;

/// What clients may send.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Subscribe {
        id: String,
        payload: Value,
    },
    Complete {
        id: String,
    },
    Ping {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Pong {
        /// Not looked at, but an object all the same.
        #[serde(default, rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
}

/// What they get.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Next {
        id: &'a str,
        payload: &'a Answer,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Map<String, Value>>,
    },
}

impl ServerMessage<'_> {
    pub(super) fn frame(&self) -> Message {
        // Text keys and finite numbers only, so there is nothing that could not be written.
        Message::Text(serde_json::to_string(self).unwrap_or_default().into())
    }
}

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// The process stops; another one will answer.
    Restart,
    BadRequest(&'static str),
    Unauthorized,
    Forbidden(&'static str),
    SubprotocolNotAcceptable,
    InitialisationTimeout,
    SubscriberExists,
    TooManyInitialisations,
}

impl Close {
    const fn parts(&self) -> (u16, &'static str) {
        match self {
            Self::Restart => (1012, "Service restart"),
            Self::BadRequest(why) => (4400, why),
            Self::Unauthorized => (4401, "Unauthorized: wait for connection_ack"),
            Self::Forbidden(why) => (4403, why),
            Self::SubprotocolNotAcceptable => {
                (4406, "Subprotocol not acceptable: speak graphql-transport-ws")
            }
            Self::InitialisationTimeout => (4408, "Connection initialisation timeout"),
            Self::SubscriberExists => (4409, "Subscriber for this id already exists"),
            Self::TooManyInitialisations => (4429, "Too many initialisation requests"),
        }
    }

    pub(super) fn frame(&self) -> Message {
        let (code, reason) = self.parts();
        Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_protocol() {
        let read = |text: &str| serde_json::from_str::<ClientMessage>(text).is_ok();
        for good in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"connection_init","payload":{"authorization":"x"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}"}}"#,
            r#"{"type":"complete","id":"1"}"#,
            r#"{"type":"ping","payload":{"a":1}}"#,
            r#"{"type":"pong"}"#,
        ] {
            assert!(read(good), "{good}");
        }
        for bad in [
            "",
            "[]",
            "null",
            r#"{"type":"start"}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"ping","payload":1}"#,
        ] {
            assert!(!read(bad), "{bad}");
        }
    }

    #[test]
    fn a_reason_fits_a_control_frame() {
        for close in [
            Close::Restart,
            Close::Unauthorized,
            Close::SubprotocolNotAcceptable,
            Close::InitialisationTimeout,
            Close::SubscriberExists,
            Close::TooManyInitialisations,
        ] {
            assert!(close.parts().1.len() <= 123, "{close:?}");
        }
    }
}
