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
fn every_field_is_described() {
    let mut undescribed = Vec::new();
    let mut was_description = false;
    let sdl = api::sdl();
    let types = sdl.split("\nschema {").next().unwrap();
    for line in types.lines() {
        let text = line.trim();
        let is_definition = line.starts_with("  ") && text.contains(':') && !text.starts_with(['"', ')']);
        // The lines of a description stand between quotes of their own.
        if text == "\"\"\"" {
            was_description = true;
        } else if is_definition && !was_description && !text.ends_with('.') {
            undescribed.push(text.to_owned());
        } else {
            was_description &= text.is_empty();
        }
    }
    assert_eq!(undescribed, Vec::<String>::new());
}
