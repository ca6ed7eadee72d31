//! Who asks: the viewer of a request, from its bearer token.

mod jwt;
mod key;

use chrono::{DateTime, Utc};
use service::{clock::SharedClock, domain::Viewer};

pub use key::{InvalidKey, JwtKey};

use crate::{
    error::{ErrorCode, Fault},
    settings::Auth,
};

/// How tokens are checked. `exp` and `sub` are always required.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// What signs them.
    pub key: JwtKey,
    /// What `iss` must be; `None`: not looked at.
    pub issuer: Option<String>,
    /// What `aud` must hold; `None`: a token that names an audience is refused, as it is meant for somebody else.
    pub audience: Option<String>,
}

/// Who asks, and until when that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) viewer: Viewer,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// Tells who asks.
#[derive(Clone)]
pub(crate) struct Authenticator {
    auth: Auth,
    clock: SharedClock,
}

impl Authenticator {
    pub(crate) fn new(auth: Auth, clock: SharedClock) -> Self {
        Self { auth, clock }
    }

    /// Whether anybody may ask for everything.
    pub(crate) const fn is_off(&self) -> bool {
        matches!(self.auth, Auth::Off)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Reads the value of an `Authorization` header, or of the field of that name in `connection_init`.
    pub(crate) fn identify(&self, authorization: Option<&str>) -> Result<Identity, Fault> {
        let Auth::Jwt(settings) = &self.auth else {
            return Ok(Identity { viewer: Viewer::Open, expires_at: None });
        };
        let token = authorization.and_then(bearer).ok_or_else(|| {
            unauthenticated("A token is needed: send it as `Authorization: Bearer <token>`, over a WebSocket in connection_init.")
        })?;
        jwt::verify(token, settings, self.now())
    }
}

fn unauthenticated(message: &str) -> Fault {
    Fault::new(ErrorCode::Unauthenticated, message)
}

/// The scheme's name is read in any case, as HTTP says.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}
