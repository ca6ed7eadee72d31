use async_graphql::Variables;
use serde_json::{Map, Value};

use crate::{
    documents::Reference,
    error::{ErrorCode, Fault},
};

/// The parameters of one request, as GraphQL over HTTP names them.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    pub(crate) document: Reference,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Variables,
}

/// A request whose document is at hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) document: String,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Variables,
}

fn malformed(message: impl Into<String>) -> Fault {
    Fault::new(ErrorCode::BadUserInput, message)
}

impl Params {
    /// Reads the JSON object of a POST, of a WebSocket's `subscribe`, or of one place in a batch. What is not known is
    /// left alone, as clients may send more.
    pub(crate) fn from_json(value: Value) -> Result<Self, Fault> {
        let Value::Object(mut fields) = value else {
            return Err(malformed(
                "A request is a JSON object with `query`, and optionally `variables`, `operationName` and `extensions`.",
            ));
        };
        let document = document(&mut fields)?;
        let operation_name = match fields.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(malformed("`operationName` must be a string or null.")),
        };
        let variables = variables(fields.remove("variables"))?;
        Ok(Self { document, operation_name: operation_name.filter(|name| !name.is_empty()), variables })
    }

    /// Reads the parameters of a GET: `variables` and `extensions` are JSON texts. Empty texts are as good as absent.
    pub(crate) fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Fault> {
        let json = |name: &str, text: String| {
            serde_json::from_str(&text)
                .map_err(|_| malformed(format!("`{name}` must be a JSON object as text.")))
        };
        let mut fields = Map::new();
        for (name, text) in pairs.into_iter().filter(|(_, text)| !text.is_empty()) {
            let value = match name.as_str() {
                "variables" | "extensions" => json(&name, text)?,
                _ => Value::String(text),
            };
            if fields.insert(name.clone(), value).is_some()
                && matches!(
                    name.as_str(),
                    "query" | "variables" | "operationName" | "extensions" | "documentId" | "id"
                )
            {
                return Err(malformed(format!("`{name}` is given twice.")));
            }
        }
        Self::from_json(Value::Object(fields))
    }
}

fn variables(value: Option<Value>) -> Result<Variables, Fault> {
    match value {
        None | Some(Value::Null) => Ok(Variables::default()),
        Some(object @ Value::Object(_)) => Ok(Variables::from_json(object)),
        Some(_) => Err(malformed("`variables` must be a JSON object or null.")),
    }
}

/// What names the document. `id` is what Relay's clients call it; beside a text it is something of the client's own.
fn document(fields: &mut Map<String, Value>) -> Result<Reference, Fault> {
    let mut text = |name: &str| match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(name.to_owned()),
    };
    let query = text("query").map_err(|_| malformed("`query` must be a string with a GraphQL document."))?;
    let document_id = text("documentId")
        .map_err(|_| malformed("`documentId` must be a string: the id of a trusted document."))?;
    let id = text("id");
    let hash = persisted(fields.remove("extensions").as_ref())?;
    match (query, document_id, hash) {
        (Some(_), Some(_), _) | (_, Some(_), Some(_)) => Err(malformed(
            "The document is named twice: give `query`, `documentId` or a persisted query's hash.",
        )),
        (text, None, Some(hash)) => {
            Ok(Reference::Persisted { hash, text: text.filter(|text| !text.is_empty()) })
        }
        (Some(text), None, None) => Ok(Reference::Text(text)),
        (None, Some(id), None) => Ok(Reference::Id(id)),
        (None, None, None) => match id {
            Ok(Some(id)) => Ok(Reference::Id(id)),
            _ => Err(malformed("`query` is missing; it must be a string with a GraphQL document.")),
        },
    }
}

/// The hash of an automatic persisted query.
fn persisted(extensions: Option<&Value>) -> Result<Option<String>, Fault> {
    let query = match extensions {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(extensions)) => extensions.get("persistedQuery"),
        Some(_) => return Err(malformed("`extensions` must be a JSON object or null.")),
    };
    let Some(query) = query.filter(|query| !query.is_null()) else { return Ok(None) };
    match (query.get("version"), query.get("sha256Hash")) {
        (Some(version), Some(Value::String(hash))) if *version == 1 && !hash.is_empty() => {
            Ok(Some(hash.clone()))
        }
        _ => Err(malformed(
            "`extensions.persistedQuery` must be an object with `version` 1 and the text's SHA-256 in `sha256Hash`.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_full_request_is_read() {
        let params = Params::from_json(json!({
            "query": "{ a }", "operationName": "A", "variables": {"x": 1}, "extensions": {}, "id": 7
        }))
        .unwrap();
        assert_eq!(params.document, Reference::Text("{ a }".to_owned()));
        assert_eq!(params.operation_name.as_deref(), Some("A"));
        assert_eq!(params.variables.into_value().to_string(), "{x: 1}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |value: Value| Params::from_json(value).unwrap_err().message;
        assert!(wrong(json!([])).contains("JSON object"));
        assert!(wrong(json!({})).contains("`query` is missing"));
        assert!(wrong(json!({"query": 1})).contains("`query` must"));
        assert!(wrong(json!({"query": "", "operationName": 1})).contains("`operationName` must"));
        assert!(wrong(json!({"query": "", "variables": "{}"})).contains("`variables` must"));
        assert!(wrong(json!({"query": "", "extensions": []})).contains("`extensions` must"));
        assert!(wrong(json!({"documentId": 7})).contains("`documentId` must"));
        assert!(wrong(json!({"documentId": "a", "query": "{ a }"})).contains("named twice"));
        for query in [
            json!(1),
            json!({}),
            json!({"version": 2, "sha256Hash": "a"}),
            json!({"version": 1, "sha256Hash": ""}),
        ] {
            let wrong = wrong(json!({"query": "{ a }", "extensions": {"persistedQuery": query}}));
            assert!(wrong.contains("`extensions.persistedQuery` must"), "{wrong}");
        }
    }

    #[test]
    fn documents_are_named_in_three_ways() {
        let named = |value: Value| Params::from_json(value).unwrap().document;
        let persisted = json!({"persistedQuery": {"version": 1, "sha256Hash": "1f"}});
        let hash = || "1f".to_owned();
        assert_eq!(
            named(json!({"extensions": persisted})),
            Reference::Persisted { hash: hash(), text: None }
        );
        assert_eq!(
            named(json!({"query": "{ a }", "extensions": persisted})),
            Reference::Persisted { hash: hash(), text: Some("{ a }".to_owned()) }
        );
        for name in ["id", "documentId"] {
            assert_eq!(named(json!({name: "1f"})), Reference::Id(hash()));
        }
    }

    #[test]
    fn a_query_string_is_read() {
        let pairs = |pairs: &[(&str, &str)]| {
            Params::from_pairs(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
        };
        let params =
            pairs(&[("query", "{ a }"), ("variables", r#"{"x":1}"#), ("operationName", "")]).unwrap();
        assert_eq!((params.operation_name, params.variables.len()), (None, 1));
        assert!(
            pairs(&[("query", "{ a }"), ("variables", "{")]).unwrap_err().message.contains("`variables`")
        );
        assert!(pairs(&[("query", "{ a }"), ("query", "{ b }")]).unwrap_err().message.contains("twice"));
        assert!(pairs(&[]).unwrap_err().message.contains("`query` is missing"));
    }
}
