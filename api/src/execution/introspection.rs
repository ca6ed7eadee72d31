use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{FragmentDefinition, Selection, SelectionSet},
};

/// Lists of the schema's own types that lead from type to type: each level multiplies the answer by the size of the
/// schema. Tools nest them once.
const LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];
const DEEPEST: usize = 3;

/// Whether the document asks for the schema in circles.
pub(super) fn goes_in_circles(
    set: &SelectionSet,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
) -> bool {
    within(set, fragments, None)
}

/// `lists` is how many lists lead here; `None` outside of the schema's own types. Documents whose fragments are endless
/// do not get this far.
fn within(
    set: &SelectionSet,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
    lists: Option<usize>,
) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            let name = field.node.name.node.as_str();
            let lists = match lists {
                Some(lists) => Some(lists + usize::from(LISTS.contains(&name))),
                None if matches!(name, "__schema" | "__type") => Some(0),
                None => None,
            };
            lists.is_some_and(|lists| lists >= DEEPEST)
                || within(&field.node.selection_set.node, fragments, lists)
        }
        Selection::InlineFragment(fragment) => within(&fragment.node.selection_set.node, fragments, lists),
        Selection::FragmentSpread(spread) => fragments
            .get(&spread.node.fragment_name.node)
            .is_some_and(|fragment| within(&fragment.node.selection_set.node, fragments, lists)),
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, types::DocumentOperations};

    use super::*;

    fn circles(document: &str) -> bool {
        let document = parse_query(document).unwrap();
        let DocumentOperations::Single(operation) = &document.operations else { panic!("one operation") };
        goes_in_circles(&operation.node.selection_set.node, &document.fragments)
    }

    #[test]
    fn tools_pass_and_circles_do_not() {
        assert!(!circles("{ __schema { types { fields { type { fields { name } } } } } }"));
        assert!(!circles("{ fields { fields { fields { fields } } } }"));
        assert!(circles(
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
        ));
        assert!(circles(
            "{ __type(name: \"Query\") { ...F } } fragment F on __Type { fields { type { interfaces { possibleTypes { name } } } } }"
        ));
    }
}
