use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// A tag for content with this hash. A weak one: what is sent may be compressed, and is then another thing byte by byte.
pub(super) fn tag(hash: &[u8]) -> String {
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(hash))
}

/// Whether the client says that it has what `tag` stands for.
pub(super) fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = opaque(tag);
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim() == "*" || opaque(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let tag = tag(b"content");
        assert_eq!(tag, "W/\"Y29udGVudA\"");
        let is_known = |sent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, sent.parse().unwrap());
            is_known(&headers, &tag)
        };
        for known in ["W/\"Y29udGVudA\"", "\"Y29udGVudA\"", "\"other\", W/\"Y29udGVudA\"", "*"] {
            assert!(is_known(known), "{known}");
        }
        for other in ["\"other\"", "Y29udGVudA", ""] {
            assert!(!is_known(other), "{other}");
        }
        assert!(!super::is_known(&HeaderMap::new(), &tag));
    }
}
