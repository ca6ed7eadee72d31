use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::entity_tag::{is_known, tag};
use crate::documents::TrustedDocuments;

/// The web part as it was built, in the binary. Nothing where it was not built.
#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Web;

/// A worker is bound by the policy of its own script: it may load and ask for what is from here.
const SCRIPT_POLICY: &str =
    "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'";

pub(super) fn file(path: &str) -> Option<EmbeddedFile> {
    Web::get(path)
}

/// What the pages themselves ask for.
pub(crate) fn documents() -> TrustedDocuments {
    let manifest = file("documents.json");
    let text = manifest.as_ref().and_then(|file| std::str::from_utf8(&file.data).ok());
    text.and_then(|text| TrustedDocuments::parse(text).ok()).unwrap_or_default()
}

/// A file of the web part that is no page: pages have routes of their own.
pub(super) async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_read = method == Method::GET || method == Method::HEAD;
    match Web::get(path) {
        Some(file) if is_read && file.metadata.mimetype() != "text/html" => {
            // The names in this folder hold a hash of the content.
            let caching =
                if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
            serve(&headers, file, caching, HeaderValue::from_static(SCRIPT_POLICY))
        }
        _ => (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response(),
    }
}

/// Sends a file, unless the client has it already.
pub(super) fn serve(
    request: &HeaderMap,
    file: EmbeddedFile,
    caching: &'static str,
    policy: HeaderValue,
) -> Response {
    let tag = tag(&file.metadata.sha256_hash());
    let is_known = is_known(request, &tag);
    let content_type = match file.metadata.mimetype() {
        text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    };
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, caching.to_owned()),
        (header::ETAG, tag),
    ];
    let mut response = if is_known {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, Body::from(file.data.into_owned())).into_response()
    };
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
