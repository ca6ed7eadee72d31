use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Validation, decode, errors::ErrorKind};
use serde::Deserialize;
use service::domain::{UserId, Viewer};

use super::{Identity, JwtSettings, header::TokenHeader, unauthenticated};
use crate::error::Fault;

/// How far the clocks of the issuer and of this machine may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

const INVALID: &str = "The token is not valid.";

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: serde_json::Number,
    nbf: Option<serde_json::Number>,
    iat: Option<serde_json::Value>,
    role: Option<serde_json::Value>,
}

/// Checks a token. The times are checked here and not by the library, because they are a matter of the service's clock.
pub(super) fn verify(token: &str, settings: &JwtSettings, now: DateTime<Utc>) -> Result<Identity, Fault> {
    let header = TokenHeader::read(token).ok_or_else(|| unauthenticated(INVALID))?;
    let pinned = settings.key.choose(&header)?;
    let mut validation = Validation::new(pinned.algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let mut required = vec!["exp", "sub"];
    if let Some(issuer) = &settings.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    if let Some(audience) = &settings.audience {
        validation.set_audience(&[audience]);
        required.push("aud");
    }
    validation.set_required_spec_claims(&required);

    let claims =
        decode::<Claims>(token, &pinned.key, &validation).map_err(|error| refusal(error.kind()))?.claims;
    let expires_at =
        instant(&claims.exp).ok_or_else(|| unauthenticated("The token's `exp` is no instant."))?;
    if now >= expires_at + LEEWAY {
        return Err(unauthenticated("The token has expired: get a new one."));
    }
    if let Some(not_before) = &claims.nbf {
        let not_before =
            instant(not_before).ok_or_else(|| unauthenticated("The token's `nbf` is no instant."))?;
        if now + LEEWAY < not_before {
            return Err(unauthenticated("The token is not valid yet."));
        }
    }
    let user = UserId::parse(&claims.sub)
        .map_err(|error| unauthenticated(&format!("The token's `sub` {error}.")))?;
    let is_admin = claims.role.is_some_and(|role| role == "admin");
    let viewer = if is_admin { Viewer::Admin(user) } else { Viewer::User(user) };
    // What is no instant says as little as nothing.
    let issued_at = claims.iat.as_ref().and_then(|iat| instant(iat.as_number()?));
    Ok(Identity { viewer, expires_at: Some(expires_at), issued_at })
}

/// Seconds since 1970; a fraction is dropped. What lies beyond the year 9999 was most likely counted in milliseconds.
fn instant(seconds: &serde_json::Number) -> Option<DateTime<Utc>> {
    const YEAR_9999: i64 = 253_402_300_799;
    let text = seconds.to_string();
    let whole: i64 = text.split('.').next()?.parse().ok()?;
    DateTime::from_timestamp(whole.max(0), 0).filter(|_| whole <= YEAR_9999)
}

fn refusal(kind: &ErrorKind) -> Fault {
    unauthenticated(&match kind {
        ErrorKind::MissingRequiredClaim(claim) => format!("The token lacks `{claim}`."),
        ErrorKind::InvalidIssuer => "The token's `iss` is not the expected one.".to_owned(),
        ErrorKind::InvalidAudience => "The token's `aud` does not name this service.".to_owned(),
        ErrorKind::InvalidAlgorithm => "The token is not signed with the expected algorithm.".to_owned(),
        _ => INVALID.to_owned(),
    })
}
