use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use service::DocumentHash;

/// Documents that were known when the clients were built, by their ids.
#[derive(Clone, Default)]
pub struct TrustedDocuments {
    by_id: HashMap<String, String>,
    hashes: HashSet<DocumentHash>,
    is_exclusive: bool,
}

/// Documents are long, and say nothing in a log.
impl std::fmt::Debug for TrustedDocuments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrustedDocuments").field("documents", &self.by_id.len()).finish_non_exhaustive()
    }
}

/// Why a manifest can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    /// Not JSON.
    #[error("is no JSON ({0}); allowed: a manifest of documents as JSON")]
    Json(String),
    /// JSON of another shape.
    #[error(
        "is no manifest; allowed: an object of documents by their ids, or {{\"format\": \
         \"apollo-persisted-query-manifest\", \"version\": 1, \"operations\": [{{\"id\", \"body\"}}]}}"
    )]
    Shape,
    /// One id, two texts.
    #[error("gives the id {0:?} to two documents; allowed: an id for each")]
    Twice(String),
}

const APOLLO: &str = "apollo-persisted-query-manifest";

impl TrustedDocuments {
    /// Reads a manifest: an object of texts by their ids, as Relay's compiler and GraphQL Code Generator write it, or
    /// Apollo's operation manifest.
    ///
    /// # Errors
    /// [`InvalidManifest`], in words that go on from the file's name.
    pub fn parse(json: &str) -> Result<Self, InvalidManifest> {
        let manifest: Value =
            serde_json::from_str(json).map_err(|error| InvalidManifest::Json(error.to_string()))?;
        let Value::Object(manifest) = manifest else { return Err(InvalidManifest::Shape) };
        let pairs = if manifest.get("format").is_some_and(|format| format == APOLLO) {
            apollo(&manifest)
        } else {
            manifest.iter().map(|(id, text)| Some((id.clone(), text.as_str()?.to_owned()))).collect()
        };
        let mut trusted = Self::default();
        for (id, text) in pairs.ok_or(InvalidManifest::Shape)? {
            trusted.hashes.insert(DocumentHash::of(&text));
            let before = trusted.by_id.insert(id.clone(), text.clone());
            if before.is_some_and(|before| before != text) {
                return Err(InvalidManifest::Twice(id));
            }
        }
        Ok(trusted)
    }

    /// The same, with nothing but them executed.
    #[must_use]
    pub fn exclusive(self) -> Self {
        Self { is_exclusive: true, ..self }
    }

    /// Takes the texts of `other` too, without their ids.
    #[must_use]
    pub(crate) fn with_texts_of(mut self, other: &Self) -> Self {
        self.hashes.extend(&other.hashes);
        self
    }

    /// The text of an id. The prefix `sha256:` of an id that is a hash may be left out, and given.
    pub(crate) fn by_id(&self, id: &str) -> Option<&str> {
        let other = id.strip_prefix(SHA256).map_or_else(|| format!("{SHA256}{id}"), str::to_owned);
        self.by_id.get(id).or_else(|| self.by_id.get(&other)).map(String::as_str)
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.hashes.contains(&DocumentHash::of(text))
    }

    pub(crate) const fn is_exclusive(&self) -> bool {
        self.is_exclusive
    }
}

const SHA256: &str = "sha256:";

fn apollo(manifest: &Map<String, Value>) -> Option<Vec<(String, String)>> {
    if manifest.get("version")? != 1 {
        return None;
    }
    let text = |operation: &Value, name: &str| operation.get(name)?.as_str().map(str::to_owned);
    let operations = manifest.get("operations")?.as_array()?.iter();
    operations.map(|operation| Some((text(operation, "id")?, text(operation, "body")?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_manifests_are_read() {
        for (json, id) in [
            (r#"{"a": "{ __typename }"}"#, "a"),
            (r#"{"sha256:1f": "{ __typename }"}"#, "1f"),
            (r#"{"1f": "{ __typename }"}"#, "sha256:1f"),
            (
                r#"{"format": "apollo-persisted-query-manifest", "version": 1,
                    "operations": [{"id": "x", "name": "A", "type": "query", "body": "{ __typename }"}]}"#,
                "x",
            ),
        ] {
            let trusted = TrustedDocuments::parse(json).unwrap();
            assert_eq!(trusted.by_id(id), Some("{ __typename }"), "{json}");
            assert!(trusted.has("{ __typename }") && !trusted.has("{__typename}"));
            assert_eq!(trusted.by_id("other"), None);
        }
    }

    #[test]
    fn other_files_are_told_what_is_allowed() {
        for json in [
            "[]",
            r#"{"a": 1}"#,
            r#"{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}"#,
            r#"{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "x"}]}"#,
        ] {
            assert_eq!(TrustedDocuments::parse(json).unwrap_err(), InvalidManifest::Shape, "{json}");
        }
        assert!(TrustedDocuments::parse("{").unwrap_err().to_string().starts_with("is no JSON"));
        let twice = r#"{"format": "apollo-persisted-query-manifest", "version": 1,
                        "operations": [{"id": "x", "body": "{ a }"}, {"id": "x", "body": "{ b }"}]}"#;
        assert_eq!(TrustedDocuments::parse(twice).unwrap_err(), InvalidManifest::Twice("x".to_owned()));
    }
}
