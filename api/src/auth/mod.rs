//! Who asks: the viewer of a request, from its bearer token.

mod header;
mod jwk;
mod jwt;
mod key;
mod key_set;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use service::{
    clock::SharedClock,
    domain::Viewer,
    revocation::{Revocations, Standing},
};

pub use key::{InvalidKey, JwtKey};
pub use key_set::{KeySet, KeySource};

use self::header::TokenHeader;
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
    /// As the token says, if it does.
    pub(crate) issued_at: Option<DateTime<Utc>>,
}

/// Tells who asks.
#[derive(Clone)]
pub(crate) struct Authenticator {
    auth: Auth,
    clock: SharedClock,
    revocations: Arc<Revocations>,
}

impl Authenticator {
    pub(crate) fn new(auth: Auth, clock: SharedClock, revocations: Arc<Revocations>) -> Self {
        Self { auth, clock, revocations }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Sees to it that the key of a token is known, where keys come and go. To be called before [`Self::identify`].
    pub(crate) async fn look_for_key(&self, authorization: Option<&str>) {
        let Some(keys) = self.auth.key_set() else { return };
        if let Some(header) = authorization.and_then(bearer).and_then(TokenHeader::read) {
            keys.look_for(header.kid.as_deref()).await;
        }
    }

    /// Reads the value of an `Authorization` header, or of the field of that name in `connection_init`.
    pub(crate) fn identify(&self, authorization: Option<&str>) -> Result<Identity, Fault> {
        let Auth::Jwt(settings) = &self.auth else {
            return Ok(Identity { viewer: Viewer::Open, expires_at: None, issued_at: None });
        };
        let token = authorization.and_then(bearer).ok_or_else(|| {
            unauthenticated("A token is needed: send it as `Authorization: Bearer <token>`, over a WebSocket in connection_init.")
        })?;
        let identity = jwt::verify(token, settings, self.now())?;
        let standing = identity.viewer.user().map(|user| self.revocations.standing(user, identity.issued_at));
        match standing {
            Some(Standing::Good) | None => Ok(identity),
            Some(Standing::Revoked) => Err(unauthenticated("The token has been revoked: get a new one.")),
            Some(Standing::NotKnown) => {
                let message = "Tokens can't be checked until it is known which were revoked. Try again soon.";
                Err(Fault::new(ErrorCode::Unavailable, message))
            }
        }
    }

    /// Becomes ready when the token is revoked; `None` where none can be.
    pub(crate) fn revoked(&self, identity: &Identity) -> Option<BoxFuture<'static, ()>> {
        let user = identity.viewer.user()?.clone();
        Some(Box::pin(Arc::clone(&self.revocations).revoked(user, identity.issued_at)))
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
