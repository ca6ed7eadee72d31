use std::{num::NonZeroU32, sync::Arc, time::Duration};

use crate::{
    auth::{JwtSettings, KeySet},
    documents::TrustedDocuments,
    networks::Networks,
    origins::Origins,
};

/// How the gateway behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who may ask.
    pub auth: Auth,
    /// What one request may cost.
    pub limits: Limits,
    /// What each user may spend in a minute, in the cost of operations; `None`: as much as they like.
    pub cost_per_minute: Option<NonZeroU32>,
    /// Documents that clients may ask for by their ids.
    pub trusted_documents: Option<TrustedDocuments>,
    /// Requests that each address may make in a minute; `None`: as many as it likes.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub proxies: Networks,
    /// The pages of other origins that may ask.
    pub origins: Origins,
    /// Whether clients may ask for the schema.
    pub introspection: bool,
    /// Whether `/graphiql` is served.
    pub graphiql: bool,
    /// How long a WebSocket may take to send `connection_init`.
    pub ws_init_timeout: Duration,
    /// How long a WebSocket's client may take to accept a frame before it is cut off. Whoever serves the router should do
    /// the same to other connections.
    pub ws_send_timeout: Duration,
    /// How long after it was given out a subscription's cursor can be resumed from.
    pub resume_window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auth: Auth::Off,
            limits: Limits::default(),
            cost_per_minute: None,
            trusted_documents: None,
            requests_per_minute: None,
            proxies: Networks::default(),
            origins: Origins::default(),
            introspection: true,
            graphiql: true,
            ws_init_timeout: Duration::from_secs(10),
            ws_send_timeout: Duration::from_secs(20),
            resume_window: Duration::from_secs(86_400),
        }
    }
}

/// Who may ask.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Anybody, for everything.
    Off,
    /// Whoever bears a token that this key signed.
    Jwt(JwtSettings),
}

impl Auth {
    /// The issuer's published keys, where tokens are checked with them. They must be kept current.
    #[must_use]
    pub const fn key_set(&self) -> Option<&Arc<KeySet>> {
        match self {
            Self::Off => None,
            Self::Jwt(settings) => settings.key.key_set(),
        }
    }
}

/// What one request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body, of a query string, and of a WebSocket's frame.
    pub bytes: u64,
    /// Tokens of a document, also with its fragments and variables written out.
    pub tokens: u64,
    /// Nested brackets of a document, also with its fragments written out. GraphiQL's introspection needs 20.
    pub depth: u64,
    /// Aliases in a document.
    pub aliases: u64,
    /// Directives in a document.
    pub directives: u64,
    /// The cost of an operation: one for each field, times what its lists hold at most.
    pub cost: u64,
    /// Operations in one batch.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 65_536,
            tokens: 2_000,
            depth: 32,
            aliases: 64,
            directives: 64,
            cost: 200_000,
            batch: 10,
        }
    }
}
