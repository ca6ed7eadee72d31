use std::{fs, net::SocketAddr};

use api::{JwtKey, Limits, TrustedDocuments};
use http::Uri;

use super::{
    parse::{self, Parsed},
    reader::Reader,
    variable as v,
};

/// How the gateway behaves.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) settings: api::Settings,
    /// Who may ask.
    pub(crate) auth: Access,
}

/// Who may ask.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    Off,
    Jwt { key: Key, issuer: Option<String>, audience: Option<String> },
}

/// What checks tokens.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    Fixed(JwtKey),
    /// A secret that is so short that it might be guessed.
    Guessable(JwtKey),
    /// Where the issuer publishes its keys.
    Published(Uri),
}

/// What the gateway listens on and how it behaves. Who may ask is told apart, since keys may have to be fetched.
pub(super) fn read(reader: &mut Reader<'_>, default_address: SocketAddr) -> (SocketAddr, Gateway) {
    let address = reader.read(&v::HTTP_ADDR, parse::address).unwrap_or(default_address);
    let auth = auth(reader, address);
    let open = matches!(auth, Access::Off);
    let defaults = api::Settings::default();
    let settings = api::Settings {
        limits: limits(reader, defaults.limits),
        cost_per_minute: reader.read(&v::RATE_LIMIT_COST_PER_MINUTE, parse::budget_or_off).flatten(),
        trusted_documents: trusted_documents(reader),
        requests_per_minute: reader.read(&v::RATE_LIMIT_REQUESTS_PER_MINUTE, parse::budget_or_off).flatten(),
        proxies: reader.read(&v::TRUSTED_PROXIES, parse::networks).unwrap_or_default(),
        origins: reader.read(&v::CORS_ALLOWED_ORIGINS, parse::origins).unwrap_or_default(),
        introspection: reader.read(&v::INTROSPECTION, parse::switch).unwrap_or(open),
        graphiql: reader.read(&v::GRAPHIQL, parse::switch).unwrap_or(open),
        ws_init_timeout: reader
            .read(&v::WS_INIT_TIMEOUT, parse::duration)
            .unwrap_or(defaults.ws_init_timeout),
        ws_send_timeout: reader
            .read(&v::WS_SEND_TIMEOUT, parse::duration)
            .unwrap_or(defaults.ws_send_timeout),
        resume_window: reader.read(&v::LIVE_RESUME_WINDOW, parse::duration).unwrap_or(defaults.resume_window),
        auth: defaults.auth,
    };
    (address, Gateway { settings, auth })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Off,
    Jwt,
}

fn method(text: &str) -> Parsed<Method> {
    match text {
        "off" => Ok(Method::Off),
        "jwt" => Ok(Method::Jwt),
        _ => Err(format!("is {text:?}; allowed: off, jwt")),
    }
}

/// Nobody opens the numbers to a network by forgetting a variable.
fn auth(reader: &mut Reader<'_>, address: SocketAddr) -> Access {
    let said = reader.layers.find(&v::AUTH).is_some();
    match reader.read(&v::AUTH, method) {
        Some(Method::Off) => Access::Off,
        Some(Method::Jwt) => jwt(reader, address).unwrap_or(Access::Off),
        None => {
            if !said && !address.ip().is_loopback() {
                let what = format!(
                    "is not set, and {address} is no loopback address; allowed: jwt, or off to let everybody see everything"
                );
                reader.wrong(&v::AUTH, what);
            }
            Access::Off
        }
    }
}

/// `None` where something is wrong, which is noted.
fn jwt(reader: &mut Reader<'_>, address: SocketAddr) -> Option<Access> {
    let sources = [v::JWT_HS256_SECRET, v::JWT_PUBLIC_KEY_FILE, v::JWT_JWKS_URL];
    let given = sources.iter().filter(|variable| reader.layers.find(variable).is_some()).count();
    if given != 1 {
        let what = format!(
            "is jwt, which needs one key and {given} are given; allowed: one of JWT_HS256_SECRET, JWT_PUBLIC_KEY_FILE and JWT_JWKS_URL"
        );
        reader.wrong(&v::AUTH, what);
        return None;
    }
    let secret = reader.read(&v::JWT_HS256_SECRET, |text| secret(text, address));
    let fixed = secret.or_else(|| reader.read(&v::JWT_PUBLIC_KEY_FILE, public_key).map(Key::Fixed));
    let key = fixed.or_else(|| reader.read(&v::JWT_JWKS_URL, parse::web_address).map(Key::Published))?;
    Some(Access::Jwt {
        key,
        issuer: reader.read(&v::JWT_ISSUER, parse::text),
        audience: reader.read(&v::JWT_AUDIENCE, parse::text),
    })
}

/// Whoever has one token can try secrets against it, on a machine of their own and as fast as that is. Where only this
/// machine can reach the gateway, as when somebody tries it out, a short one will do.
fn secret(text: &str, address: SocketAddr) -> Parsed<Key> {
    let is_long = text.len() >= JwtKey::SECRET_BYTES;
    if !is_long && !address.ip().is_loopback() {
        let least = JwtKey::SECRET_BYTES;
        return Err(format!(
            "is so short that it might be guessed; allowed: {least} bytes or more (`openssl rand -hex 32` makes one)"
        ));
    }
    let key = JwtKey::secret(text.as_bytes()).map_err(|fault| fault.to_string())?;
    Ok(if is_long { Key::Fixed(key) } else { Key::Guessable(key) })
}

fn public_key(path: &str) -> Parsed<JwtKey> {
    let pem =
        fs::read(path).map_err(|fault| format!("{path:?} can't be read ({fault}); allowed: a PEM file"))?;
    JwtKey::public_pem(&pem).map_err(|fault| format!("{path:?} {fault}"))
}

/// Without a manifest, the pages' own documents are all that there is to trust.
fn trusted_documents(reader: &mut Reader<'_>) -> Option<TrustedDocuments> {
    let only = reader.read(&v::TRUSTED_DOCUMENTS_ONLY, parse::switch).unwrap_or(false);
    let manifest = reader.read(&v::TRUSTED_DOCUMENTS, manifest);
    if only { Some(manifest.unwrap_or_default().exclusive()) } else { manifest }
}

fn manifest(path: &str) -> Parsed<TrustedDocuments> {
    let json = fs::read_to_string(path).map_err(|fault| {
        format!("{path:?} can't be read ({fault}); allowed: a manifest of documents as JSON")
    })?;
    TrustedDocuments::parse(&json).map_err(|fault| format!("{path:?} {fault}"))
}

fn limits(reader: &mut Reader<'_>, defaults: Limits) -> Limits {
    let mut limit = |variable, default| reader.read(variable, parse::count).unwrap_or(default);
    Limits {
        bytes: limit(&v::LIMIT_BYTES, defaults.bytes),
        tokens: limit(&v::LIMIT_TOKENS, defaults.tokens),
        depth: limit(&v::LIMIT_DEPTH, defaults.depth),
        aliases: limit(&v::LIMIT_ALIASES, defaults.aliases),
        directives: limit(&v::LIMIT_DIRECTIVES, defaults.directives),
        cost: limit(&v::LIMIT_COST, defaults.cost),
        batch: reader
            .read(&v::LIMIT_BATCH, |text| {
                let count = parse::count(text)?;
                usize::try_from(count).map_err(|_| "is more than this machine counts".to_owned())
            })
            .unwrap_or(defaults.batch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::Layers;

    fn read_with(pairs: &[(&str, &str)]) -> Result<(SocketAddr, Gateway), String> {
        let environment =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let layers = Layers { environment, ..Layers::default() };
        let mut reader = Reader::new(&layers);
        let value = read(&mut reader, "127.0.0.1:8080".parse().unwrap());
        reader.finish(value).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn on_loopback_all_is_open_by_default() {
        let (address, Gateway { settings, auth }) = read_with(&[]).unwrap();
        assert_eq!(address, "127.0.0.1:8080".parse().unwrap());
        assert!(matches!(auth, Access::Off) && settings.introspection && settings.graphiql);
    }

    #[test]
    fn elsewhere_auth_must_be_said() {
        let fault = read_with(&[("HTTP_ADDR", "0.0.0.0:8080")]).unwrap_err();
        assert_eq!(
            fault,
            "pulsegate: AUTH: is not set, and 0.0.0.0:8080 is no loopback address; allowed: jwt, or off to let \
             everybody see everything"
        );
        assert!(read_with(&[("HTTP_ADDR", "0.0.0.0:8080"), ("AUTH", "off")]).is_ok());
    }

    #[test]
    fn tokens_close_what_shows_the_schema() {
        let secret = "s".repeat(32);
        let (_, Gateway { settings, auth }) =
            read_with(&[("AUTH", "jwt"), ("JWT_HS256_SECRET", &secret)]).unwrap();
        assert!(matches!(auth, Access::Jwt { .. }) && !settings.introspection && !settings.graphiql);
        let (_, Gateway { settings, .. }) =
            read_with(&[("AUTH", "jwt"), ("JWT_HS256_SECRET", &secret), ("GRAPHIQL", "on")]).unwrap();
        assert!(settings.graphiql && !settings.introspection);
    }

    #[test]
    fn a_secret_that_might_be_guessed_stays_on_the_machine() {
        let with = |address, secret| {
            read_with(&[("AUTH", "jwt"), ("JWT_HS256_SECRET", secret), ("HTTP_ADDR", address)])
        };
        let (short, long) = ("hunter2", "s".repeat(32));
        let key = |read: Result<(SocketAddr, Gateway), String>| match read.unwrap().1.auth {
            Access::Jwt { key, .. } => key,
            Access::Off => panic!("off"),
        };
        assert!(matches!(key(with("127.0.0.1:0", short)), Key::Guessable(_)));
        for address in ["127.0.0.1:0", "0.0.0.0:8080"] {
            assert!(matches!(key(with(address, &long)), Key::Fixed(_)));
        }
        let fault = with("0.0.0.0:8080", short).unwrap_err();
        assert!(
            fault.starts_with("pulsegate: JWT_HS256_SECRET: is so short") && !fault.contains(short),
            "{fault}"
        );
    }

    #[test]
    fn the_pages_documents_can_be_all_that_is_trusted() {
        let trusted = |pairs| read_with(pairs).unwrap().1.settings.trusted_documents;
        assert!(trusted(&[("TRUSTED_DOCUMENTS_ONLY", "on")]).is_some());
        assert!(trusted(&[("TRUSTED_DOCUMENTS_ONLY", "off")]).is_none());
    }

    #[test]
    fn tokens_need_exactly_one_key() {
        let none = read_with(&[("AUTH", "jwt")]).unwrap_err();
        assert!(none.starts_with("pulsegate: AUTH: is jwt, which needs one key and 0 are given"), "{none}");
        let two = [("AUTH", "jwt"), ("JWT_HS256_SECRET", "s"), ("JWT_PUBLIC_KEY_FILE", "k.pem")];
        assert!(read_with(&two).unwrap_err().contains("2 are given"));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let fault =
            read_with(&[("HTTP_ADDR", "x"), ("AUTH", "none"), ("LIMIT_COST", "0"), ("GRAPHIQL", "yes")]);
        let fault = fault.unwrap_err();
        for name in ["HTTP_ADDR", "AUTH", "LIMIT_COST", "GRAPHIQL"] {
            assert!(fault.lines().any(|line| line.starts_with(&format!("pulsegate: {name}: "))), "{fault}");
        }
    }
}
