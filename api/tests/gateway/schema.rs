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
