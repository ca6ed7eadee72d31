use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// What is no page has nothing to load.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// What every answer carries, so that a browser takes it for nothing but what it is.
pub(super) fn secure(headers: &mut HeaderMap) {
    headers.reserve(ALWAYS.len() + 1);
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NO_PAGE));
}

/// What the dashboard needs beside its scripts. No text of it ever becomes markup.
pub(super) const DASHBOARD: &str = "style-src 'self'; img-src 'self'; font-src 'self'; worker-src 'none'; \
                                    require-trusted-types-for 'script'; trusted-types 'none'";

/// What GraphiQL needs: its editor writes styles into the page, has fonts inside its style sheet and starts workers.
pub(super) const GRAPHIQL: &str =
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self'";

/// A page's policy: everything from here. WebSockets of the same host are named, as not every browser counts them as
/// from here.
///
/// `needs` is [`DASHBOARD`] or [`GRAPHIQL`].
pub(super) fn page_policy(request: &HeaderMap, needs: &str) -> HeaderValue {
    let sockets = request
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte)))
        .map(|host| format!(" ws://{host} wss://{host}"))
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; {needs}"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(NO_PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_host_adds_nothing_to_the_policy() {
        let policy = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            page_policy(&headers, DASHBOARD).to_str().unwrap().to_owned()
        };
        assert!(
            policy("127.0.0.1:8080").contains("connect-src 'self' ws://127.0.0.1:8080 wss://127.0.0.1:8080;")
        );
        assert!(policy("x; script-src *").contains("connect-src 'self';"));
        assert!(!policy("x; script-src *").contains("script-src *"));
    }
}
