use axum::http::{HeaderMap, HeaderValue, header};

/// The media types of GraphQL answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`: the status says whether the request was executed.
    GraphqlResponse,
    /// `application/json`, of before that: the status is 200 for any well-formed request.
    Json,
}

impl MediaType {
    pub(super) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// What the client likes best of what there is; `None` where it takes neither. Without an `Accept` header, and for
    /// `*/*`, it is JSON.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let ranges: Vec<_> =
            headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        let quality = |wanted: &[&str]| {
            // The most specific range decides, as RFC 9110 says.
            wanted.iter().find_map(|name| {
                ranges.iter().flat_map(|value| value.split(',')).find_map(|range| quality_of(range, name))
            })
        };
        let response = quality(&["application/graphql-response+json"]).unwrap_or(0);
        let json = quality(&["application/json", "application/*", "*/*"]).unwrap_or(0);
        match (response, json) {
            (0, 0) => None,
            (response, json) if response >= json => Some(Self::GraphqlResponse),
            _ => Some(Self::Json),
        }
    }
}

/// In thousandths; `None` where the range is not about `name`.
fn quality_of(range: &str, name: &str) -> Option<u16> {
    let mut parts = range.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(name) {
        return None;
    }
    let quality =
        parts.find_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")));
    Some(quality.map_or(1000, thousandths))
}

fn thousandths(quality: &str) -> u16 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let fraction = fraction.get(..fraction.len().min(3)).unwrap_or_default();
    let fraction: u16 = format!("{fraction:0<3}").parse().unwrap_or(0);
    match whole {
        "1" => 1000,
        "0" => fraction,
        _ => 0,
    }
}

/// Whether a body is JSON in UTF-8. A form or plain text could be sent by any page without asking first, so there is no
/// other way in.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .all(|(_, charset)| charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"));
    is_json && is_utf8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        MediaType::accepted(&headers)
    }

    #[test]
    fn the_best_of_what_is_accepted() {
        assert_eq!(MediaType::accepted(&HeaderMap::new()), Some(MediaType::Json));
        for (accept, expected) in [
            ("*/*", Some(MediaType::Json)),
            ("application/*", Some(MediaType::Json)),
            ("application/json", Some(MediaType::Json)),
            ("application/graphql-response+json", Some(MediaType::GraphqlResponse)),
            ("Application/GraphQL-Response+JSON; charset=utf-8", Some(MediaType::GraphqlResponse)),
            ("application/graphql-response+json, application/json;q=0.9", Some(MediaType::GraphqlResponse)),
            ("application/graphql-response+json;q=0.5, application/json", Some(MediaType::Json)),
            ("application/graphql-response+json;q=0, */*;q=0.001", Some(MediaType::Json)),
            ("application/json;q=0, */*", None),
            ("text/html", None),
            ("application/json;q=0.000", None),
        ] {
            assert_eq!(accepted(accept), expected, "{accept}");
        }
    }

    #[test]
    fn bodies_are_json_in_utf8() {
        let reads = |content_type: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
            is_json(&headers)
        };
        for good in
            ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert!(reads(good), "{good}");
        }
        for bad in
            ["text/plain", "application/json; charset=utf-16", "application/graphql", "application/jsonp", ""]
        {
            assert!(!reads(bad), "{bad}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
