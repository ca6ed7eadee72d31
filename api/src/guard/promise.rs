//! What the scan promises of whatever it is given: it comes to an end, and where it lets a text pass, so does the parser,
//! which finds no more in it than was allowed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    convert::Infallible,
};

use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::{
        parse_query,
        types::{Directive, ExecutableDocument, FragmentDefinition, Selection, SelectionSet},
    },
};

use super::{OPERATIONS, lexer::without_comments, scan};
use crate::settings::Limits;

/// So narrow that short texts meet them.
const LIMITS: Limits =
    Limits { bytes: 4_096, tokens: 300, depth: 9, aliases: 5, directives: 5, cost: 1_000, batch: 1 };

/// Panics where the promise is broken. Says whether the text is a document within the limits.
pub(crate) fn keep(text: &str) -> bool {
    if scan(text, &Variables::default(), &LIMITS).is_err() {
        return false;
    }
    let parsed = parse_query(text);
    let bare = parse_query(without_comments(text));
    let Ok(document) = parsed else {
        assert!(bare.is_err(), "only comments are wrong with {text:?}");
        return false;
    };
    // Fragments are kept in no order.
    let positions = |document: &ExecutableDocument| {
        let operations: Vec<_> =
            document.operations.iter().map(|(_, operation)| format!("{operation:?}")).collect();
        let fragments: BTreeMap<_, _> = document
            .fragments
            .iter()
            .map(|(name, fragment)| (name.clone(), format!("{fragment:?}")))
            .collect();
        (operations.into_iter().collect::<BTreeSet<_>>(), fragments)
    };
    assert_eq!(bare.as_ref().map(positions).ok(), Some(positions(&document)), "without comments: {text:?}");
    let found = Found::in_document(&document);
    assert!(found.depth <= LIMITS.depth, "{} levels in {text:?}", found.depth);
    assert!(found.selections <= LIMITS.tokens, "{} selections in {text:?}", found.selections);
    assert!(found.aliases <= LIMITS.aliases, "{} aliases in {text:?}", found.aliases);
    assert!(found.directives <= LIMITS.directives, "{} directives in {text:?}", found.directives);
    assert!(found.operations <= OPERATIONS, "{} operations in {text:?}", found.operations);
    true
}

/// What the parser found.
struct Found<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    operations: u64,
    /// As they stand in the document.
    aliases: u64,
    directives: u64,
    /// With fragments written out.
    depth: u64,
    selections: u64,
}

impl<'a> Found<'a> {
    fn in_document(document: &'a ExecutableDocument) -> Self {
        let fragments = &document.fragments;
        let mut found = Self { fragments, operations: 0, aliases: 0, directives: 0, depth: 0, selections: 0 };
        for (_, operation) in document.operations.iter() {
            let operation = &operation.node;
            found.operations += 1;
            found.directives(&operation.directives, 0);
            for variable in &operation.variable_definitions {
                found.directives(&variable.node.directives, 1);
                if let Some(default) = &variable.node.default_value {
                    found.value(&default.node, 1);
                }
            }
            found.count(&operation.selection_set.node);
            found.write_out(&operation.selection_set.node, 0);
        }
        for fragment in fragments.values() {
            found.directives(&fragment.node.directives, 0);
            found.count(&fragment.node.selection_set.node);
        }
        found
    }

    fn count(&mut self, set: &SelectionSet) {
        for selection in &set.items {
            self.directives += selection.node.directives().len() as u64;
            match &selection.node {
                Selection::Field(field) => {
                    self.aliases += u64::from(field.node.alias.is_some());
                    self.count(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => self.count(&fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn write_out(&mut self, set: &'a SelectionSet, depth: u64) {
        if set.items.is_empty() {
            return;
        }
        let depth = self.level(depth);
        for selection in &set.items {
            self.selections += 1;
            self.arguments(selection.node.directives(), depth);
            match &selection.node {
                Selection::Field(field) => {
                    for (_, value) in &field.node.arguments {
                        let constant = value.node.clone().into_const_with(|_| Ok(Value::Null));
                        self.argument(constant, depth);
                    }
                    self.write_out(&field.node.selection_set.node, depth);
                }
                Selection::InlineFragment(fragment) => {
                    self.write_out(&fragment.node.selection_set.node, depth);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.fragments.get(&spread.node.fragment_name.node) {
                        self.write_out(&fragment.node.selection_set.node, depth);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &[Positioned<Directive>], depth: u64) {
        self.directives += directives.len() as u64;
        self.arguments(directives, depth);
    }

    fn arguments(&mut self, directives: &[Positioned<Directive>], depth: u64) {
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            let constant = value.node.clone().into_const_with(|_| Ok(Value::Null));
            self.argument(constant, depth);
        }
    }

    /// A variable has no brackets of its own.
    fn argument(&mut self, value: Result<Value, Infallible>, depth: u64) {
        let inner = self.level(depth);
        match value {
            Ok(value) => self.value(&value, inner),
            Err(never) => match never {},
        }
    }

    fn value(&mut self, value: &Value, depth: u64) {
        match value {
            Value::List(items) => {
                let inner = self.level(depth);
                for item in items {
                    self.value(item, inner);
                }
            }
            Value::Object(fields) => {
                let inner = self.level(depth);
                for field in fields.values() {
                    self.value(field, inner);
                }
            }
            _ => {}
        }
    }

    /// One bracket further in.
    fn level(&mut self, depth: u64) -> u64 {
        self.depth = self.depth.max(depth + 1);
        depth + 1
    }
}
