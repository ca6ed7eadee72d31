use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_graphql::{
    Name, Positioned, Response, Value, Variables,
    parser::{
        parse_query,
        types::{
            DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
            Selection, SelectionSet,
        },
    },
};

use super::{
    Answer, Asked,
    answer::Finisher,
    check::Checker,
    introspection::goes_in_circles,
    known::{Known, Operation},
};
use crate::{
    budget::Bill,
    error::{ErrorCode, Fault},
    guard,
    settings::Limits,
};

/// A document that is parsed, and the one of its operations that is asked for.
pub(crate) struct Parsed {
    asked: Asked,
    found: Found,
}

enum Found {
    /// It was found right before, and costs so much.
    Known(Arc<Operation>, usize),
    /// It has yet to be checked.
    New(Box<New>),
}

struct New {
    tokens: u64,
    document: ExecutableDocument,
    chosen: Positioned<OperationDefinition>,
}

/// An operation that fits the schema and the limits.
pub(crate) struct Prepared {
    pub(super) operation: Arc<Operation>,
    pub(super) variables: Variables,
    /// One for each field, times what its lists may hold.
    pub(super) cost: usize,
    pub(super) bill: Option<Bill>,
}

/// What the shape of an answer follows from.
pub(super) struct Chosen {
    pub(super) kind: OperationType,
    pub(super) selection: SelectionSet,
    pub(super) fragments: HashMap<Name, Positioned<FragmentDefinition>>,
}

impl Prepared {
    /// Whether it comes to an end by itself.
    pub(crate) fn is_finite(&self) -> bool {
        self.operation.kind != OperationType::Subscription
    }
}

pub(super) fn parse(asked: Asked, limits: &Limits, known: &Known) -> Result<Parsed, Answer> {
    if let Some((operation, cost)) = known.find(&asked) {
        return Ok(Parsed { asked, found: Found::Known(operation, cost) });
    }
    let scanned = guard::scan(&asked.document, &asked.variables, limits)
        .map_err(|refusal| Answer::refused(refusal.into()))?;
    let document = parse_query(scanned.parsable(&asked.document)).map_err(|error| {
        let fault = Fault::new(ErrorCode::GraphqlParseFailed, parse_message(&error.to_string()));
        Answer::refused_at(fault, &error.positions().collect::<Vec<_>>())
    })?;
    let chosen =
        choose(&document.operations, asked.operation_name.as_deref()).map_err(Answer::refused)?.clone();
    Ok(Parsed { asked, found: Found::New(Box::new(New { tokens: scanned.tokens, document, chosen })) })
}

impl Parsed {
    pub(crate) fn kind(&self) -> OperationType {
        match &self.found {
            Found::Known(operation, _) => operation.kind,
            Found::New(new) => new.chosen.node.ty,
        }
    }

    pub(super) fn check(
        self,
        checker: &Checker,
        finisher: &Finisher,
        known: &Known,
    ) -> Result<Prepared, Answer> {
        let Self { asked, found } = self;
        let (operation, cost) = match found {
            Found::Known(operation, cost) => (operation, cost),
            Found::New(new) => check(&asked, *new, checker, finisher, known)?,
        };
        Ok(Prepared { operation, variables: asked.variables, cost, bill: None })
    }
}

fn check(
    asked: &Asked,
    New { tokens, document, chosen: operation }: New,
    checker: &Checker,
    finisher: &Finisher,
    known: &Known,
) -> Result<(Arc<Operation>, usize), Answer> {
    check_root(&operation, &document).map_err(Answer::refused)?;
    check_variables(&operation, &asked.variables).map_err(Answer::refused)?;
    if goes_in_circles(&operation.node.selection_set.node, &document.fragments) {
        let message = "The document asks for the schema in circles: nest `fields`, `inputFields`, `interfaces` and \
                       `possibleTypes` at most twice.";
        return Err(Answer::refused(Fault::new(ErrorCode::QueryTooComplex, message)));
    }
    let chosen = Chosen {
        kind: operation.node.ty,
        selection: operation.node.selection_set.node.clone(),
        fragments: document.fragments.clone(),
    };
    let name = name(asked, &document);
    let definition = operation.node.clone();
    let alone = ExecutableDocument {
        operations: DocumentOperations::Single(operation),
        fragments: document.fragments.clone(),
    };
    let cost = checker
        .cost(asked, tokens, document, &alone)
        .map_err(|errors| finisher.answer(Response::from_errors(errors), &chosen))?;
    if cost as u64 > finisher.limits.cost {
        return Err(Answer::refused(too_expensive(cost, finisher.limits.cost)));
    }
    Ok((known.learn(asked, chosen, name, alone, &definition, cost), cost))
}

fn name(asked: &Asked, document: &ExecutableDocument) -> Option<String> {
    let names = match &document.operations {
        DocumentOperations::Multiple(all) if asked.operation_name.is_none() => all.keys().next(),
        _ => None,
    };
    asked.operation_name.clone().or_else(|| names.map(ToString::to_string))
}

fn too_expensive(cost: usize, limit: u64) -> Fault {
    let message = format!(
        "The operation costs {cost}, and {limit} is the limit: one for each field, times what its lists may hold. Ask for \
         fewer fields, smaller pages or fewer buckets."
    );
    Fault::new(ErrorCode::QueryTooComplex, message)
}

/// The parser draws a picture of several lines; its last line says what was expected.
fn parse_message(message: &str) -> String {
    let last = message.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    format!("The document is no GraphQL: {}.", last.trim_start_matches("= "))
}

fn choose<'a>(
    operations: &'a DocumentOperations,
    name: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, Fault> {
    let wrong = |message: String| Fault::new(ErrorCode::BadUserInput, message);
    match (operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Multiple(all), Some(name)) => {
            all.get(name).ok_or_else(|| wrong(format!("The document has no operation named \"{name}\".")))
        }
        (DocumentOperations::Multiple(all), None) => match all.values().next() {
            Some(operation) if all.len() == 1 => Ok(operation),
            _ => Err(wrong("The document has several operations: say in `operationName` which.".to_owned())),
        },
        (DocumentOperations::Single(_), Some(name)) => {
            Err(wrong(format!("The document has no operation named \"{name}\".")))
        }
    }
}

/// What a variable's type needs; its value is checked where an argument takes it.
fn check_variables(operation: &Positioned<OperationDefinition>, given: &Variables) -> Result<(), Fault> {
    for definition in &operation.node.variable_definitions {
        let definition = &definition.node;
        let (name, kind) = (&definition.name.node, &definition.var_type.node);
        let value = given.get(name);
        let is_missing = match value {
            None => definition.default_value.is_none(),
            Some(value) => *value == Value::Null,
        };
        if is_missing && !kind.nullable {
            let message =
                format!("Variable `${name}` is missing or null; its type is {kind}, so a value is needed.");
            return Err(Fault::new(ErrorCode::BadUserInput, message));
        }
    }
    Ok(())
}

/// A subscription has one root field: an update has to say what it is an update of.
fn check_root(
    operation: &Positioned<OperationDefinition>,
    document: &ExecutableDocument,
) -> Result<(), Fault> {
    if operation.node.ty != OperationType::Subscription {
        return Ok(());
    }
    let mut keys = HashSet::new();
    root_keys(&operation.node.selection_set.node, &document.fragments, &mut HashSet::new(), &mut keys);
    if keys.len() > 1 {
        let message =
            "A subscription must have exactly one field at its root; send one subscription for each.";
        return Err(Fault::new(ErrorCode::GraphqlValidationFailed, message));
    }
    Ok(())
}

fn root_keys<'a>(
    set: &'a SelectionSet,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    seen: &mut HashSet<&'a str>,
    keys: &mut HashSet<&'a str>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                keys.insert(field.node.response_key().node.as_str());
            }
            Selection::InlineFragment(fragment) => {
                root_keys(&fragment.node.selection_set.node, fragments, seen, keys);
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if seen.insert(name)
                    && let Some(fragment) = fragments.get(name)
                {
                    root_keys(&fragment.node.selection_set.node, fragments, seen, keys);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use service::clock::{SharedClock, SystemClock};

    use super::*;
    use crate::{error::Reporter, execution::shape::Types, settings::Settings};

    fn refusal(body: &serde_json::Value) -> Option<String> {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let asked = Asked {
            document: text("query").unwrap(),
            operation_name: text("operationName"),
            variables: Variables::from_json(body["variables"].clone()),
        };
        let settings = Settings::default();
        let clock: SharedClock = Arc::new(SystemClock);
        let finisher =
            Finisher { limits: settings.limits, reporter: Reporter::new(&clock), types: Types::new() };
        let known = Known::new();
        let prepared = parse(asked, &settings.limits, &known)
            .and_then(|parsed| parsed.check(&Checker::new(&settings), &finisher, &known));
        let answer = prepared.err()?;
        let answer = serde_json::from_slice::<serde_json::Value>(&answer.json()).unwrap();
        assert_eq!(answer.get("data"), None);
        Some(format!(
            "{}: {}",
            answer["errors"][0]["extensions"]["code"].as_str()?,
            answer["errors"][0]["message"].as_str()?
        ))
    }

    #[track_caller]
    fn assert_refused(body: &serde_json::Value, start: &str) {
        let refusal = refusal(body).unwrap_or_default();
        assert!(refusal.starts_with(start), "{refusal}");
    }

    #[test]
    fn operations_are_chosen_by_name() {
        let two = "query A { __typename } query B { __typename }";
        assert_eq!(refusal(&json!({"query": two, "operationName": "B"})), None);
        assert_eq!(refusal(&json!({"query": "query A { __typename }"})), None);
        assert_refused(&json!({"query": two}), "BAD_USER_INPUT: The document has several operations");
        assert_refused(
            &json!({"query": two, "operationName": "C"}),
            "BAD_USER_INPUT: The document has no operation named",
        );
        assert_refused(
            &json!({"query": "{ a }", "operationName": "A"}),
            "BAD_USER_INPUT: The document has no operation",
        );
    }

    #[test]
    fn what_is_no_graphql_is_said_in_one_line() {
        for text in ["", "{", "query {", "{ a(b: ) }", "subscription", "\u{0}"] {
            let refusal = refusal(&json!({"query": text})).unwrap();
            assert!(refusal.starts_with("GRAPHQL_PARSE_FAILED: The document is no GraphQL: "), "{refusal}");
            assert!(!refusal.contains('\n'), "{refusal}");
        }
    }

    #[test]
    fn required_variables_are_required() {
        let query = "query Q($id: ID!, $top: Int! = 5) { node(id: $id) { id } channelRanking(top: $top) { rows { key } } }";
        assert_eq!(refusal(&json!({"query": query, "variables": {"id": "x"}})), None);
        assert_refused(&json!({"query": query}), "BAD_USER_INPUT: Variable `$id` is missing or null");
        assert_refused(&json!({"query": query, "variables": {"id": null}}), "BAD_USER_INPUT: Variable `$id`");
        assert_refused(
            &json!({"query": query, "variables": {"id": "x", "top": null}}),
            "BAD_USER_INPUT: Variable `$top`",
        );
    }

    #[test]
    fn a_subscription_has_one_root_field() {
        let once = "userUpdated(userId: \"u\") { cursor }";
        let query = format!("subscription {{ {once} ...F }} fragment F on Subscription {{ {once} }}");
        assert_eq!(refusal(&json!({ "query": query })), None);
        for query in [
            "subscription { a b }",
            "subscription { a ... { b } }",
            "subscription { ...F a } fragment F on S { x: a }",
        ] {
            assert_refused(&json!({"query": query}), "GRAPHQL_VALIDATION_FAILED: A subscription must have");
        }
    }
}
