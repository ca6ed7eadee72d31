//! The shape of an answer, as the specification has it: keys in the order in which they were asked for, null where a
//! field failed, and null further up where that field may not be null. The library leaves a failed field out, and orders
//! fields by when they were done.

use std::{cmp::Reverse, collections::HashMap};

use async_graphql::{
    Name, PathSegment, Positioned, ServerError, Value,
    indexmap::IndexMap,
    parser::{
        parse_schema,
        types::{
            BaseType, Field, FragmentDefinition, OperationType, Selection, SelectionSet, Type, TypeKind,
            TypeSystemDefinition,
        },
    },
};

use super::prepare::Chosen;
use crate::graphql;

/// What the schema says of its types.
pub(super) struct Types {
    /// The types of all fields.
    fields: HashMap<Name, HashMap<Name, Type>>,
    /// The values of all enumerations.
    values: HashMap<Name, Vec<Name>>,
}

pub(super) type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

impl Types {
    pub(super) fn new() -> Self {
        // The printed schema is parsed in a test; without it, every field would count as nullable.
        let definitions =
            parse_schema(graphql::sdl()).map(|document| document.definitions).unwrap_or_default();
        let mut types = Self { fields: HashMap::new(), values: HashMap::new() };
        for definition in definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let name = definition.node.name.node;
            let fields = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                TypeKind::Enum(enumeration) => {
                    let values = enumeration.values.into_iter().map(|value| value.node.value.node);
                    types.values.insert(name, values.collect());
                    continue;
                }
                _ => continue,
            };
            let fields = fields.into_iter().map(|field| (field.node.name.node, field.node.ty.node));
            types.fields.insert(name, fields.collect());
        }
        types
    }

    /// The values of an enumeration, with commas between them.
    pub(super) fn values(&self, enumeration: &str) -> Option<String> {
        Some(self.values.get(enumeration)?.join(", "))
    }

    pub(super) fn shape(&self, data: &mut Value, errors: &[ServerError], to: &Chosen) {
        let mut nulls: Vec<&[PathSegment]> = errors
            .iter()
            .filter(|error| !error.path.is_empty())
            .map(|error| error.path.get(..self.null_at(&error.path, to)).unwrap_or_default())
            .collect();
        // From the deepest up, so that nothing is put below what is null already.
        nulls.sort_by_key(|path| Reverse(path.len()));
        for path in nulls {
            put_null(data, path);
        }
        order(data, &[&to.selection], &to.fragments);
    }

    /// How much of the path of a failed field leads to what is null because of it: all of it where the field may be
    /// null, else as far as the nearest parent that may be. 0 is the data as a whole.
    fn null_at(&self, path: &[PathSegment], to: &Chosen) -> usize {
        let mut nullable = 0;
        let mut selections = vec![&to.selection];
        let mut parent = Some(Name::new(match to.kind {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        }));
        let mut current: Option<Type> = None;
        for (index, segment) in path.iter().enumerate() {
            current = match segment {
                PathSegment::Field(key) => {
                    let fields = fields_of(key, &selections, &to.fragments);
                    let field = fields.first().map(|(condition, field)| {
                        let owner = condition.cloned().or_else(|| parent.clone());
                        owner.and_then(|owner| self.fields.get(&owner)?.get(&field.name.node).cloned())
                    });
                    selections = fields.into_iter().map(|(_, field)| &field.selection_set.node).collect();
                    field.flatten()
                }
                PathSegment::Index(_) => current.and_then(|list| match list.base {
                    BaseType::List(item) => Some(*item),
                    BaseType::Named(_) => None,
                }),
            };
            if current.as_ref().is_none_or(|current| current.nullable) {
                nullable = index + 1;
            }
            parent = current.as_ref().and_then(|current| match &current.base {
                BaseType::Named(name) => Some(name.clone()),
                BaseType::List(_) => None,
            });
        }
        nullable
    }
}

/// The fields with that key in the answer, each with the type that its fragment is about.
fn fields_of<'a>(
    key: &str,
    selections: &[&'a SelectionSet],
    fragments: &'a Fragments,
) -> Vec<(Option<&'a Name>, &'a Field)> {
    let mut found = Vec::new();
    for set in selections {
        collect(set, None, fragments, &mut |condition, field| {
            if field.response_key().node == key {
                found.push((condition, field));
            }
        });
    }
    found
}

/// Visits the fields of a selection in their order, those in fragments where they are spread. Documents whose fragments
/// are endless do not get this far.
pub(super) fn collect<'a>(
    set: &'a SelectionSet,
    condition: Option<&'a Name>,
    fragments: &'a Fragments,
    visit: &mut impl FnMut(Option<&'a Name>, &'a Field),
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => visit(condition, &field.node),
            Selection::InlineFragment(fragment) => {
                let own = fragment.node.type_condition.as_ref().map(|own| &own.node.on.node);
                collect(&fragment.node.selection_set.node, own.or(condition), fragments, visit);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    let own = Some(&fragment.node.type_condition.node.on.node);
                    collect(&fragment.node.selection_set.node, own, fragments, visit);
                }
            }
        }
    }
}

/// Puts null at a path. An object all of whose fields failed is null at first, and becomes an object again.
fn put_null(value: &mut Value, path: &[PathSegment]) {
    let Some((segment, rest)) = path.split_first() else {
        *value = Value::Null;
        return;
    };
    match segment {
        PathSegment::Field(key) => {
            if *value == Value::Null {
                *value = Value::Object(IndexMap::new());
            }
            if let Value::Object(object) = value {
                put_null(object.entry(Name::new(key)).or_insert(Value::Null), rest);
            }
        }
        PathSegment::Index(index) => {
            if let Value::List(list) = value
                && let Some(item) = list.get_mut(*index)
            {
                put_null(item, rest);
            }
        }
    }
}

fn order(value: &mut Value, selections: &[&SelectionSet], fragments: &Fragments) {
    if !matches!(value, Value::Object(_) | Value::List(_)) {
        return;
    }
    let mut wanted: IndexMap<&Name, Vec<&SelectionSet>> = IndexMap::new();
    for set in selections {
        collect(set, None, fragments, &mut |_, field| {
            let below = wanted.entry(&field.response_key().node).or_default();
            if !field.selection_set.node.items.is_empty() {
                below.push(&field.selection_set.node);
            }
        });
    }
    order_by(value, &wanted, fragments);
}

/// All items of a list were asked for the same, so what was collected serves all of them.
fn order_by(value: &mut Value, wanted: &IndexMap<&Name, Vec<&SelectionSet>>, fragments: &Fragments) {
    match value {
        Value::List(items) => {
            for item in items {
                order_by(item, wanted, fragments);
            }
        }
        Value::Object(object) => {
            let place = |key: &Name| wanted.get_index_of(key);
            if !object.keys().is_sorted_by_key(place) {
                object.sort_by(|left, _, right, _| place(left).cmp(&place(right)));
            }
            for (key, value) in object {
                if let Some(below) = wanted.get(key).filter(|below| !below.is_empty()) {
                    order(value, below, fragments);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, types::DocumentOperations};
    use serde_json::json;

    use super::*;

    fn shaped(query: &str, data: serde_json::Value, failed: &[&str]) -> String {
        let document = parse_query(query).unwrap();
        let DocumentOperations::Single(operation) = document.operations else { panic!("one operation") };
        let to = Chosen {
            kind: operation.node.ty,
            selection: operation.node.selection_set.node,
            fragments: document.fragments,
        };
        let segment = |text: &str| {
            text.parse().map_or_else(|_| PathSegment::Field(text.to_owned()), PathSegment::Index)
        };
        let errors: Vec<_> = failed
            .iter()
            .map(|path| ServerError::new("x", None).with_path(path.split('.').map(segment).collect()))
            .collect();
        let mut data = Value::from_json(data).unwrap();
        Types::new().shape(&mut data, &errors, &to);
        serde_json::to_string(&data).unwrap()
    }

    #[test]
    fn every_field_has_a_type() {
        let types = Types::new();
        assert!(
            types.fields["Query"].contains_key("event") && types.fields["Node"].contains_key("id"),
            "the SDL can be parsed"
        );
        assert!(!types.fields["EventAnalytics"]["roi"].nullable);
    }

    #[test]
    fn keys_come_in_the_order_of_the_document() {
        assert_eq!(
            shaped(
                "{ b: event(eventId: 1) { title ...F id } metrics { unit name } } fragment F on EventAnalytics { status }",
                json!({"metrics": [{"name": 1, "unit": 2}, {"name": 3, "unit": 4}], "b": {"status": 1, "id": 2, "title": 3}}),
                &[]
            ),
            r#"{"b":{"title":3,"status":1,"id":2},"metrics":[{"unit":2,"name":1},{"unit":4,"name":3}]}"#
        );
    }

    #[test]
    fn a_failed_field_is_null_where_it_may_be() {
        let query = "{ event(eventId: 1) { title channel(channelName: 1) { id } } viewer { roi } }";
        assert_eq!(
            shaped(query, json!({"event": {"title": "t"}}), &["event.channel", "viewer"]),
            r#"{"event":{"title":"t","channel":null},"viewer":null}"#
        );
        assert_eq!(shaped("{ a: viewer { roi } }", json!(null), &["a"]), r#"{"a":null}"#);
        assert_eq!(
            shaped(
                "{ event(eventId: 1) { roi { costPerConversion } } }",
                json!({"event": null}),
                &["event.roi.costPerConversion"]
            ),
            r#"{"event":{"roi":{"costPerConversion":null}}}"#
        );
    }

    #[test]
    fn a_failed_field_that_may_not_be_null_takes_its_parents_along() {
        let query = "{ metrics { name } event(eventId: 1) { title t: timeline { from } } }";
        assert_eq!(
            shaped(query, json!({"metrics": [], "event": {"title": "t"}}), &["event.t"]),
            r#"{"metrics":[],"event":null}"#
        );
        let list = "{ events { nodes { title roi { distributionCost } } } }";
        let data = json!({"events": {"nodes": [{"title": "t", "roi": null}, {"title": "u", "roi": {"distributionCost": 1}}]}});
        assert_eq!(shaped(list, data, &["events.nodes.0.roi.distributionCost"]), "null");
        let nodes = "{ nodes(ids: []) { id ... on EventAnalytics { title timeline { from } } } }";
        let data = json!({"nodes": [{"id": 1, "title": "t"}, {"id": 2}]});
        assert_eq!(shaped(nodes, data, &["nodes.0.timeline"]), r#"{"nodes":[null,{"id":2}]}"#);
        let update = "subscription { eventUpdated(eventId: 1) { cursor } }";
        assert_eq!(shaped(update, json!(null), &["eventUpdated"]), "null");
    }

    #[test]
    fn what_is_null_stays_null_whatever_else_failed_below() {
        let query = "{ event(eventId: 1) { timeline { from } channel(channelName: 1) { id } } }";
        for failed in [["event.timeline", "event.channel"], ["event.channel", "event.timeline"]] {
            assert_eq!(shaped(query, json!({"event": null}), &failed), r#"{"event":null}"#);
        }
    }
}
