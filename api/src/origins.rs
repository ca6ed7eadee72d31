use axum::http::{HeaderMap, header};

/// The origins of pages that may ask, beside this gateway's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// No others.
    #[default]
    Own,
    /// All others.
    Any,
    /// These, each `scheme://host` or `scheme://host:port` in lower case.
    These(Vec<String>),
}

impl Origins {
    /// Whether the page that a request comes from, if it comes from one, may ask. Clients that are no browsers name none.
    pub(crate) fn allow(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        match self {
            Self::Any => return true,
            Self::These(named) if named.iter().any(|named| named == origin) => return true,
            Self::Own | Self::These(_) => {}
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some() && authority == host
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &Origins, origin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        headers.insert(header::HOST, "127.0.0.1:8080".parse().unwrap());
        origins.allow(&headers)
    }

    #[test]
    fn an_origin_is_that_of_the_host() {
        assert!(Origins::Own.allow(&HeaderMap::new()));
        assert!(allowed(&Origins::Own, "http://127.0.0.1:8080"));
        for foreign in ["http://127.0.0.1:8081", "https://evil.example", "null", "127.0.0.1:8080", ""] {
            assert!(!allowed(&Origins::Own, foreign), "{foreign}");
        }
    }

    #[test]
    fn others_must_be_named() {
        let origins = Origins::These(vec!["https://shop.example".to_owned()]);
        assert!(allowed(&origins, "https://shop.example") && allowed(&origins, "http://127.0.0.1:8080"));
        for foreign in
            ["http://shop.example", "https://shop.example:444", "https://shop.example.evil", "null"]
        {
            assert!(!allowed(&origins, foreign), "{foreign}");
        }
        assert!(allowed(&Origins::Any, "https://evil.example"));
    }
}
