use std::sync::Arc;

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde_json::Value;

use super::{key::Pinned, key_set::Named};

/// No issuer has more at a time.
const MOST: usize = 100;
/// An RSA key of 2048 bits has a modulus of so many characters in base64.
const SHORTEST_MODULUS: usize = 342;

/// The keys of a JSON Web Key Set that can check a signature here. Others, such as those for encryption or of a kind that
/// is not known, are left alone.
///
/// # Errors
/// What keeps it from being a set with at least one such key.
pub(super) fn read_set(document: &[u8]) -> Result<Vec<Named>, String> {
    let mut document: Value = serde_json::from_slice(document).map_err(|_| "it is no JSON".to_owned())?;
    let Some(Value::Array(entries)) = document.get_mut("keys").map(Value::take) else {
        return Err("it has no list `keys`".to_owned());
    };
    if entries.len() > MOST {
        return Err(format!("it has {} keys; at most {MOST} are read", entries.len()));
    }
    let keys: Vec<Named> = entries.into_iter().filter_map(read).collect();
    if keys.is_empty() {
        return Err("it has no public key for signatures (RSA, EC P-256 or P-384, or Ed25519)".to_owned());
    }
    Ok(keys)
}

fn read(entry: Value) -> Option<Named> {
    // A private half that was published by mistake is no key to trust.
    if entry.get("d").is_some() {
        return None;
    }
    let jwk: Jwk = serde_json::from_value(entry).ok()?;
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let verifies = jwk.common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    if !for_signatures || !verifies {
        return None;
    }
    let algorithm = algorithm(&jwk)?;
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Named { kid: jwk.common.key_id, pinned: Pinned { algorithm, key: Arc::new(key) } })
}

/// The one algorithm that a key is for: the one that it says, if its kind allows that, else the usual one of its kind.
/// Secrets are never published, so there is none for them.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let said = match jwk.common.key_algorithm {
        Some(said) => Some(said.to_string().parse::<Algorithm>().ok()?),
        None => None,
    };
    let allowed: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(parameters) if parameters.n.len() >= SHORTEST_MODULUS => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(parameters) if parameters.curve == EllipticCurve::Ed25519 => {
            &[Algorithm::EdDSA]
        }
        _ => &[],
    };
    match said {
        Some(said) => allowed.contains(&said).then_some(said),
        None => allowed.first().copied(),
    }
}
