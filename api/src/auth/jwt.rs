use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Validation, decode, errors::ErrorKind};
use serde::Deserialize;
use service::domain::{UserId, Viewer};

use super::{Identity, JwtSettings, unauthenticated};
use crate::error::Fault;

/// How far the clocks of the issuer and of this machine may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: serde_json::Number,
    nbf: Option<serde_json::Number>,
    role: Option<serde_json::Value>,
}

/// Checks a token. The times are checked here and not by the library, because they are a matter of the service's clock.
pub(super) fn verify(token: &str, settings: &JwtSettings, now: DateTime<Utc>) -> Result<Identity, Fault> {
    let mut validation = Validation::new(settings.key.algorithm);
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

    let claims = decode::<Claims>(token, &settings.key.key, &validation)
        .map_err(|error| refusal(error.kind()))?
        .claims;
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
    Ok(Identity { viewer, expires_at: Some(expires_at) })
}

/// Seconds since 1970; a fraction is dropped. Far enough from the ends of the calendar to add to.
fn instant(seconds: &serde_json::Number) -> Option<DateTime<Utc>> {
    const YEAR_9999: i64 = 253_402_300_799;
    let text = seconds.to_string();
    let whole: i64 = text.split('.').next()?.parse().ok()?;
    DateTime::from_timestamp(whole.clamp(0, YEAR_9999), 0)
}

fn refusal(kind: &ErrorKind) -> Fault {
    unauthenticated(&match kind {
        ErrorKind::MissingRequiredClaim(claim) => format!("The token lacks `{claim}`."),
        ErrorKind::InvalidIssuer => "The token's `iss` is not the expected one.".to_owned(),
        ErrorKind::InvalidAudience => "The token's `aud` does not name this service.".to_owned(),
        ErrorKind::InvalidAlgorithm => "The token is not signed with the expected algorithm.".to_owned(),
        _ => "The token is not valid.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;
    use crate::{auth::JwtKey, error::ErrorCode};

    const SECRET: &[u8] = b"a secret that only tests know, 32+";

    fn settings() -> JwtSettings {
        JwtSettings {
            key: JwtKey::secret(SECRET).unwrap(),
            issuer: Some("shop".to_owned()),
            audience: Some("pulsegate".to_owned()),
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn claims() -> Value {
        json!({"sub": "user-01", "exp": 1_800_000_600, "iss": "shop", "aud": ["pulsegate", "other"]})
    }

    fn check_with(algorithm: Algorithm, secret: &[u8], claims: &Value) -> Result<Identity, String> {
        let token = encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap();
        verify(&token, &settings(), now()).map_err(|fault| {
            assert_eq!(fault.code, ErrorCode::Unauthenticated);
            fault.message
        })
    }

    #[track_caller]
    fn refused(change: impl Fn(&mut Value), message: &str) {
        let mut claims = claims();
        change(&mut claims);
        assert_eq!(check_with(Algorithm::HS256, SECRET, &claims).unwrap_err(), message);
    }

    #[test]
    fn a_good_token_names_the_viewer() {
        let user = UserId::parse("user-01").unwrap();
        let identity = check_with(Algorithm::HS256, SECRET, &claims()).unwrap();
        assert_eq!(identity.viewer, Viewer::User(user.clone()));
        assert_eq!(identity.expires_at, DateTime::from_timestamp(1_800_000_600, 0));
        let mut admin = claims();
        admin["role"] = json!("admin");
        assert_eq!(check_with(Algorithm::HS256, SECRET, &admin).unwrap().viewer, Viewer::Admin(user.clone()));
        admin["role"] = json!(["admin"]);
        assert_eq!(check_with(Algorithm::HS256, SECRET, &admin).unwrap().viewer, Viewer::User(user));
    }

    #[test]
    fn whatever_is_wrong_is_refused() {
        refused(|claims| claims["exp"] = Value::Null, "The token is not valid.");
        refused(|claims| drop(claims.as_object_mut().unwrap().remove("exp")), "The token is not valid.");
        refused(|claims| claims["exp"] = json!(1_799_999_970), "The token has expired: get a new one.");
        refused(|claims| claims["nbf"] = json!(1_800_000_031), "The token is not valid yet.");
        refused(|claims| claims["iss"] = json!("another"), "The token's `iss` is not the expected one.");
        refused(|claims| drop(claims.as_object_mut().unwrap().remove("iss")), "The token lacks `iss`.");
        refused(|claims| claims["aud"] = json!("another"), "The token's `aud` does not name this service.");
        refused(|claims| claims["sub"] = json!(""), "The token's `sub` is empty.");
        let other = check_with(Algorithm::HS256, b"another secret, also 32 bytes long", &claims());
        assert_eq!(other.unwrap_err(), "The token is not valid.");
        let algorithm = check_with(Algorithm::HS512, SECRET, &claims());
        assert_eq!(algorithm.unwrap_err(), "The token is not signed with the expected algorithm.");
    }

    #[test]
    fn a_little_disagreement_about_the_time_is_borne() {
        for (claim, value) in [("exp", 1_799_999_971), ("nbf", 1_800_000_030)] {
            let mut claims = claims();
            claims[claim] = json!(value);
            assert!(check_with(Algorithm::HS256, SECRET, &claims).is_ok(), "{claim}");
        }
    }
}
