//! Operations that were found right before: what is parsed, checked and counted once need not be so again, whatever the
//! ids in the variables are.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_graphql::{
    Name, Request, Value, Variables,
    parser::types::{BaseType, ExecutableDocument, OperationDefinition, OperationType, SelectionSet, Type},
};
use quick_cache::{Equivalent, Weighter, sync::Cache};
use service::by_bytes;

use super::{
    Asked,
    prepare::Chosen,
    shape::{self, Fragments},
};
use crate::{graphql::Unmerged, telemetry::Answers};

/// Bytes of documents and of what they are parsed to, at most, as far as that can be told from their texts.
const CAPACITY: u64 = 32 << 20;
/// What a document is parsed to takes about so much more room than its text.
const PARSED: usize = 25;
/// Bytes of variables at most.
const VARIABLES: u64 = 4 << 20;
/// What an entry takes beside its texts.
const ENTRY: usize = 256;

/// An operation that fits the schema.
pub(super) struct Operation {
    /// The text of its document.
    pub(super) text: String,
    pub(super) kind: OperationType,
    /// What its client calls it.
    pub(super) name: Option<String>,
    pub(super) chosen: Chosen,
    /// The document with no other operation in it.
    pub(super) document: ExecutableDocument,
    pub(super) answers: Answers,
    number: u64,
    /// Whether fields are asked for twice under one key, so that the parts of their objects are merged.
    is_merged: bool,
    /// Variables whose texts change neither whether the operation is right nor what it costs.
    texts: HashSet<Name>,
}

impl Operation {
    /// What the GraphQL library executes.
    pub(super) fn request(&self, variables: Variables) -> Request {
        let mut request = Request::new("").variables(variables);
        request.set_parsed_query(self.document.clone());
        if self.is_merged { request } else { request.data(Unmerged) }
    }
}

/// A document's text, and the name of the operation in it that is asked for.
type Key = (String, Option<String>);

/// The same, of a request.
#[derive(Hash)]
struct KeyOf<'a>(&'a str, Option<&'a str>);

impl<'a> From<&'a Asked> for KeyOf<'a> {
    fn from(asked: &'a Asked) -> Self {
        Self(&asked.document, asked.operation_name.as_deref())
    }
}

impl Equivalent<Key> for KeyOf<'_> {
    fn equivalent(&self, (text, name): &Key) -> bool {
        self.0 == text && self.1 == name.as_deref()
    }
}

/// The operations that this process knows.
pub(super) struct Known {
    operations: Cache<Key, Arc<Operation>, Weight>,
    /// What an operation costs with such variables.
    costs: Cache<(u64, String), usize, Weight>,
    next: AtomicU64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Arc<Operation>> for Weight {
    fn weight(&self, (text, _): &Key, _: &Arc<Operation>) -> u64 {
        (PARSED * text.len() + ENTRY) as u64
    }
}

impl Weighter<(u64, String), usize> for Weight {
    fn weight(&self, (_, variables): &(u64, String), _: &usize) -> u64 {
        (variables.len() + ENTRY) as u64
    }
}

impl Known {
    pub(super) fn new() -> Self {
        Self {
            operations: by_bytes(CAPACITY, Weight),
            costs: by_bytes(VARIABLES, Weight),
            next: AtomicU64::new(0),
        }
    }

    /// The operation and its cost, where it was found right with such variables.
    pub(super) fn find(&self, asked: &Asked) -> Option<(Arc<Operation>, usize)> {
        let operation = self.operations.get(&KeyOf::from(asked))?;
        let cost = self.costs.get(&(operation.number, outline(&asked.variables, &operation.texts)))?;
        Some((operation, cost))
    }

    /// Remembers an operation that was found right with these variables.
    pub(super) fn learn(
        &self,
        asked: &Asked,
        chosen: Chosen,
        name: Option<String>,
        document: ExecutableDocument,
        definition: &OperationDefinition,
        cost: usize,
    ) -> Arc<Operation> {
        // Known already where only variables of another kind were sent.
        let operation = self.operations.get(&KeyOf::from(asked)).unwrap_or_else(|| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let (kind, texts) = (definition.ty, texts(definition));
            let (text, is_merged) =
                (asked.document.clone(), is_merged(&[&chosen.selection], &chosen.fragments));
            let made = Arc::new(Operation {
                text,
                kind,
                name,
                chosen,
                document,
                answers: Answers::default(),
                number,
                is_merged,
                texts,
            });
            let key = (asked.document.clone(), asked.operation_name.clone());
            self.operations.insert(key, Arc::clone(&made));
            made
        });
        self.costs.insert((operation.number, outline(&asked.variables, &operation.texts)), cost);
        operation
    }
}

/// Whether objects are asked for twice under one key, in whatever fragments. Which of them apply is not looked at.
fn is_merged(selections: &[&SelectionSet], fragments: &Fragments) -> bool {
    let mut below: HashMap<&Name, Vec<&SelectionSet>> = HashMap::new();
    for set in selections {
        shape::collect(set, None, fragments, &mut |_, field| {
            if !field.selection_set.node.items.is_empty() {
                below.entry(&field.response_key().node).or_default().push(&field.selection_set.node);
            }
        });
    }
    below.values().any(|sets| sets.len() > 1 || is_merged(sets, fragments))
}

/// A variable of type `ID` or `String`, or of lists of them, fits only where any text does; fields' costs depend on how
/// many there are at most.
fn texts(definition: &OperationDefinition) -> HashSet<Name> {
    let is_text = |kind: &Type| {
        let mut base = &kind.base;
        while let BaseType::List(item) = base {
            base = &item.base;
        }
        matches!(base, BaseType::Named(name) if name == "ID" || name == "String")
    };
    let definitions = definition.variable_definitions.iter().map(|definition| &definition.node);
    definitions
        .filter(|definition| is_text(&definition.var_type.node))
        .map(|definition| definition.name.node.clone())
        .collect()
}

/// The variables as JSON, without what does not matter.
fn outline(variables: &Variables, texts: &HashSet<Name>) -> String {
    let outlined: Vec<_> = variables
        .iter()
        .map(|(name, value)| {
            (name, if texts.contains(name) { Cow::Owned(blank(value)) } else { Cow::Borrowed(value) })
        })
        .collect();
    // Text keys and finite numbers only: there is nothing that could not be written.
    serde_json::to_string(&outlined).unwrap_or_default()
}

fn blank(value: &Value) -> Value {
    match value {
        Value::String(_) => Value::String(String::new()),
        Value::List(items) => Value::List(items.iter().map(blank).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, types::DocumentOperations};
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_under_one_key_are_merged() {
        let merged = |query: &str| {
            let document = parse_query(query).unwrap();
            let DocumentOperations::Single(operation) = document.operations else { panic!() };
            is_merged(&[&operation.node.selection_set.node], &document.fragments)
        };
        assert!(!merged("{ a { b { c } } d { b { c } } }"));
        assert!(!merged("{ a a { b b } x: a { b } }"));
        assert!(merged("{ a { b { c } b { d } } }"));
        assert!(merged("{ a { b { c } ...F } } fragment F on A { b { d } }"));
        assert!(merged("{ a { x: b { c } ... on A { ... { x: b { d } } } } }"));
        assert!(merged("{ a { b } a { c } }"));
    }

    fn outlined(document: &str, variables: serde_json::Value) -> String {
        let DocumentOperations::Multiple(all) = parse_query(document).unwrap().operations else { panic!() };
        outline(&Variables::from_json(variables), &texts(&all.values().next().unwrap().node))
    }

    #[test]
    fn only_the_texts_of_ids_and_strings_do_not_matter() {
        let query = "query Q($id: ID!, $ids: [ID!]!, $at: DateTime, $top: Int, $text: String) { __typename }";
        let first =
            json!({"id": "a", "ids": ["a", "b"], "at": "2026-01-01T00:00:00Z", "top": 3, "text": "a"});
        let with = |name: &str, value: serde_json::Value| {
            let mut variables = first.clone();
            variables[name] = value;
            outlined(query, variables)
        };
        let outline = outlined(query, first.clone());
        assert_eq!(with("id", json!("other")), outline);
        assert_eq!(with("ids", json!(["x", "y"])), outline);
        assert_eq!(with("text", json!("y")), outline);
        for (name, value) in [
            ("id", json!(1)),
            ("id", json!({"a": "b"})),
            ("id", json!(null)),
            ("ids", json!(["x"])),
            ("ids", json!("x")),
            ("ids", json!(["x", 1])),
            ("at", json!("2026-01-02T00:00:00Z")),
            ("top", json!(4)),
            ("unknown", json!("x")),
        ] {
            assert_ne!(with(name, value.clone()), outline, "{name}: {value}");
        }
    }
}
