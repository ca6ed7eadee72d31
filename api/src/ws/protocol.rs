use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes, protocol::CloseFrame};

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

/// What they get. Payloads are JSON already.
#[derive(Debug)]
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Next { id: &'a str, payload: &'a str },
    Error { id: &'a str, payload: &'a str },
    Complete { id: &'a str },
    Pong { payload: Option<Map<String, Value>> },
}

impl ServerMessage<'_> {
    /// Its text, in the parts that lie where they are: what goes before a payload, the payload, what goes after it.
    pub(super) fn parts(&self) -> (Cow<'static, str>, &str, &'static str) {
        match self {
            Self::ConnectionAck => (Cow::Borrowed(r#"{"type":"connection_ack"}"#), "", ""),
            Self::Next { id, payload } => (before_payload("next", id), payload, "}"),
            Self::Error { id, payload } => (before_payload("error", id), payload, "}"),
            Self::Complete { id } => {
                (Cow::Owned(format!(r#"{{"type":"complete","id":{}}}"#, quoted(id))), "", "")
            }
            Self::Pong { payload: None } => (Cow::Borrowed(r#"{"type":"pong"}"#), "", ""),
            Self::Pong { payload: Some(payload) } => {
                let payload = serde_json::to_string(payload).unwrap_or_default();
                (Cow::Owned(format!(r#"{{"type":"pong","payload":{payload}}}"#)), "", "")
            }
        }
    }
}

fn before_payload(kind: &str, id: &str) -> Cow<'static, str> {
    Cow::Owned(format!(r#"{{"type":"{kind}","id":{},"payload":"#, quoted(id)))
}

fn quoted(id: &str) -> String {
    serde_json::to_string(id).unwrap_or_default()
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
        Message::Close(Some(CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason) }))
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
    fn frames_are_json_whatever_the_id_is() {
        let text = |message: ServerMessage<'_>| {
            let (head, middle, tail) = message.parts();
            serde_json::from_str::<Value>(&format!("{head}{middle}{tail}")).unwrap()
        };
        let id = "a\"b\\c\n새해";
        let next = text(ServerMessage::Next { id, payload: r#"{"data":null}"# });
        assert_eq!(next, serde_json::json!({"type": "next", "id": id, "payload": {"data": null}}));
        let complete = text(ServerMessage::Complete { id });
        assert_eq!(complete, serde_json::json!({"type": "complete", "id": id}));
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
