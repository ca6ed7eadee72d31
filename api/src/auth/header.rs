use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

/// Longer than the tokens of any issuer, and short enough that nobody has to look at megabytes.
const LONGEST: usize = 8_192;
/// Names of keys are short, too.
const LONGEST_KID: usize = 256;

/// What of a token's header decides. Whatever points to a key elsewhere (`jku`, `x5u`, `jwk`, `x5c`) is not looked at:
/// keys come from the configuration only.
#[derive(Debug, Deserialize)]
struct Raw {
    typ: Option<String>,
    cty: Option<String>,
    kid: Option<String>,
    /// Extensions that must be understood. None is.
    crit: Option<Value>,
    b64: Option<Value>,
}

/// The header of a token that may be looked at further.
#[derive(Debug)]
pub(super) struct TokenHeader {
    pub(super) kid: Option<String>,
}

impl TokenHeader {
    /// `None` where it is no signed token of the kind that is taken here.
    pub(super) fn read(token: &str) -> Option<Self> {
        if token.len() > LONGEST || token.split('.').count() != 3 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let raw: Raw = serde_json::from_slice(&bytes).ok()?;
        // The type of a refresh or an identity token of an issuer that names them, or of a token within a token.
        let typed = raw.typ.as_deref().is_none_or(is_access_token);
        let plain = raw.cty.is_none() && raw.crit.is_none() && raw.b64.is_none();
        let named = raw.kid.as_ref().is_none_or(|kid| kid.len() <= LONGEST_KID);
        (typed && plain && named).then_some(Self { kid: raw.kid })
    }
}

fn is_access_token(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
}
