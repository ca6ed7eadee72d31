use std::collections::BTreeSet;

use async_graphql::parser::{
    parse_schema,
    types::{FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition},
};

/// Whoever changes the schema sees it in the diff of the printed one.
#[test]
fn the_printed_schema_is_the_current_one() {
    let printed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql"))
        .unwrap_or_default();
    assert!(
        printed == api::sdl(),
        "schema.graphql is not what the code says: run `make schema` and look at the diff"
    );
}

#[test]
fn everything_is_described() {
    let sdl = api::sdl();
    let types = sdl.split("\nschema {").next().unwrap();
    let mut undescribed = Vec::new();
    let mut is_described = false;
    let mut in_description = false;
    for line in types.lines() {
        let text = line.trim();
        if text == "\"\"\"" {
            in_description = !in_description;
            is_described = true;
        } else if !in_description {
            // What a line begins to define: a type, a field, an argument or a value; not what ends one.
            let defines =
                !text.is_empty() && !text.starts_with(['}', ')']) && !text.starts_with("directive ");
            if defines && !is_described {
                undescribed.push(text.to_owned());
            }
            is_described = false;
        }
    }
    assert_eq!(undescribed, Vec::<String>::new());
}

/// What clients were promised: names, arguments, defaults and nullability. More may be there; nothing of it may change.
#[test]
fn the_schema_has_all_that_clients_rely_on() {
    let schema = parse_schema(api::sdl()).unwrap();
    let mut shape = BTreeSet::new();
    for definition in schema.definitions {
        if let TypeSystemDefinition::Type(definition) = definition {
            describe(&definition.node, &mut shape);
        }
    }
    let promised = include_str!("contract.txt").lines();
    let missing: Vec<_> = promised.filter(|line| !shape.contains(*line)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

fn describe(definition: &TypeDefinition, shape: &mut BTreeSet<String>) {
    let name = &definition.name.node;
    match &definition.kind {
        TypeKind::Scalar => {
            shape.insert(format!("scalar {name}"));
        }
        TypeKind::Enum(kind) => {
            shape.extend(kind.values.iter().map(|value| format!("enum {name}.{}", value.node.value.node)));
        }
        TypeKind::InputObject(kind) => {
            shape.extend(kind.fields.iter().map(|field| format!("input {name}.{}", input(&field.node))));
        }
        TypeKind::Object(kind) => {
            let interfaces = kind.implements.iter();
            shape.extend(interfaces.map(|interface| format!("type {name} implements {}", interface.node)));
            shape.extend(kind.fields.iter().flat_map(|field| fields(&format!("type {name}"), &field.node)));
        }
        TypeKind::Interface(kind) => {
            shape.extend(
                kind.fields.iter().flat_map(|field| fields(&format!("interface {name}"), &field.node)),
            );
        }
        TypeKind::Union(_) => {}
    }
}

fn fields(of: &str, field: &FieldDefinition) -> Vec<String> {
    let name = &field.name.node;
    let arguments = field.arguments.iter().map(|argument| format!("{of}.{name}({})", input(&argument.node)));
    arguments.chain([format!("{of}.{name}: {}", field.ty.node)]).collect()
}

fn input(value: &InputValueDefinition) -> String {
    let default = value.default_value.as_ref().map(|default| format!(" = {}", default.node));
    format!("{}: {}{}", value.name.node, value.ty.node, default.unwrap_or_default())
}
