use async_graphql::Variables;
use serde_json::{Map, Value};

use crate::error::{ErrorCode, Fault};

/// The parameters of one request, as GraphQL over HTTP names them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    pub(crate) query: String,
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
        let query = match fields.remove("query") {
            Some(Value::String(query)) => query,
            Some(_) => return Err(malformed("`query` must be a string with a GraphQL document.")),
            None => {
                return Err(malformed("`query` is missing; it must be a string with a GraphQL document."));
            }
        };
        let operation_name = match fields.remove("operationName") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(malformed("`operationName` must be a string or null.")),
        };
        let variables = variables(fields.remove("variables"))?;
        extensions(fields.remove("extensions").as_ref())?;
        Ok(Self { query, operation_name: operation_name.filter(|name| !name.is_empty()), variables })
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
                && matches!(name.as_str(), "query" | "variables" | "operationName")
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

fn extensions(value: Option<&Value>) -> Result<(), Fault> {
    match value {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err(malformed("`extensions` must be a JSON object or null.")),
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
        assert_eq!((params.query.as_str(), params.operation_name.as_deref()), ("{ a }", Some("A")));
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
