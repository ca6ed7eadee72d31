use std::{fmt, sync::Arc};

use jsonwebtoken::{Algorithm, DecodingKey};

/// What checks the signature of a token. The algorithm belongs to the key, so that a token can't choose another one.
#[derive(Clone)]
pub struct JwtKey {
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
    /// A secret that is shared with the issuer, for HS256.
    ///
    /// # Errors
    /// [`InvalidKey::Empty`].
    pub fn secret(secret: &[u8]) -> Result<Self, InvalidKey> {
        if secret.is_empty() {
            return Err(InvalidKey::Empty);
        }
        Ok(Self { algorithm: Algorithm::HS256, key: Arc::new(DecodingKey::from_secret(secret)) })
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
            .find_map(|(algorithm, key)| Some(Self { algorithm, key: Arc::new(key.ok()?) }))
            .ok_or(InvalidKey::NotAPublicKey)
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
