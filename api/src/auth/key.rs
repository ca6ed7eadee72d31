use std::{fmt, sync::Arc};

use jsonwebtoken::{Algorithm, DecodingKey};

use super::{KeySet, header::TokenHeader};
use crate::error::Fault;

/// What checks the signature of a token. The algorithm belongs to the key, so that a token can't choose another one.
#[derive(Clone)]
pub struct JwtKey(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Pinned),
    Set(Arc<KeySet>),
}

/// One key and the only algorithm that it is for.
#[derive(Clone)]
pub(super) struct Pinned {
    pub(super) algorithm: Algorithm,
    pub(super) key: Arc<DecodingKey>,
}

/// Why something is no key. The text is for operators and holds nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Nothing in it.
    #[error("the secret is empty")]
    Empty,
    /// Not the public half of a key in PEM.
    #[error("is no PEM file with a public key for RS256 (RSA), ES256 (EC P-256) or EdDSA (Ed25519)")]
    NotAPublicKey,
}

impl JwtKey {
    /// Bytes that a secret for HS256 should have at least: as many as its hash (RFC 7518, 3.2).
    pub const SECRET_BYTES: usize = 32;

    /// A secret that is shared with the issuer, for HS256.
    ///
    /// # Errors
    /// [`InvalidKey::Empty`].
    pub fn secret(secret: &[u8]) -> Result<Self, InvalidKey> {
        if secret.is_empty() {
            return Err(InvalidKey::Empty);
        }
        Ok(Self::fixed(Algorithm::HS256, DecodingKey::from_secret(secret)))
    }

    /// The issuer's public key as PEM: RSA for RS256, EC P-256 for ES256, Ed25519 for `EdDSA`.
    ///
    /// # Errors
    /// [`InvalidKey::NotAPublicKey`].
    pub fn public_pem(pem: &[u8]) -> Result<Self, InvalidKey> {
        let candidates = [
            (Algorithm::RS256, DecodingKey::from_rsa_pem(pem)),
            (Algorithm::ES256, DecodingKey::from_ec_pem(pem)),
            (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem)),
        ];
        candidates
            .into_iter()
            .find_map(|(algorithm, key)| Some(Self::fixed(algorithm, key.ok()?)))
            .ok_or(InvalidKey::NotAPublicKey)
    }

    /// The keys that the issuer publishes, whichever they are at the time.
    #[must_use]
    pub const fn set(keys: Arc<KeySet>) -> Self {
        Self(Kind::Set(keys))
    }

    fn fixed(algorithm: Algorithm, key: DecodingKey) -> Self {
        Self(Kind::Fixed(Pinned { algorithm, key: Arc::new(key) }))
    }

    /// The published keys, where it is these.
    pub(crate) const fn key_set(&self) -> Option<&Arc<KeySet>> {
        match &self.0 {
            Kind::Fixed(_) => None,
            Kind::Set(keys) => Some(keys),
        }
    }

    /// The key that a token must be signed with. A key that stands alone has no name to ask for.
    pub(super) fn choose(&self, header: &TokenHeader) -> Result<Pinned, Fault> {
        match &self.0 {
            Kind::Fixed(pinned) => Ok(pinned.clone()),
            Kind::Set(keys) => keys.choose(header.kid.as_deref()),
        }
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Fixed(Pinned { algorithm, .. }) => {
                f.debug_struct("JwtKey").field("algorithm", algorithm).finish_non_exhaustive()
            }
            Kind::Set(_) => {
                f.debug_struct("JwtKey").field("algorithm", &"of the set").finish_non_exhaustive()
            }
        }
    }
}
