//! Values of the GraphQL library as JSON. Parts of an answer may have been written before: they are carried as bytes,
//! which no scalar of the schema is.

use async_graphql::Value;
use serde::Serialize;

/// Writes a value, and what was written before as it is.
pub(crate) fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Number(number) => write_plain(number, out),
        Value::String(text) => write_plain(text, out),
        Value::Enum(name) => write_plain(name.as_str(), out),
        Value::Binary(written) => out.extend_from_slice(written),
        Value::List(items) => {
            write_all(b'[', items, b']', out, write);
        }
        Value::Object(object) => {
            write_all(b'{', object, b'}', out, |(key, value), out| {
                write_plain(key.as_str(), out);
                out.push(b':');
                write(value, out);
            });
        }
    }
}

/// What a key, or a value that is not written yet, is reckoned to take.
const BYTES: usize = 16;

/// How much room values and the keys before them will take, about.
pub(crate) fn room<'a>(values: impl IntoIterator<Item = &'a Value>) -> usize {
    let of = |value: &'a Value| match value {
        Value::Binary(written) => written.len(),
        Value::List(items) => room(items),
        Value::Object(object) => room(object.values()),
        _ => BYTES,
    };
    values.into_iter().map(|value| BYTES + of(value)).sum()
}

/// Writes what has nothing of the GraphQL library in it.
pub(crate) fn write_plain(value: impl Serialize, out: &mut Vec<u8>) {
    // Text keys and finite numbers only: there is nothing that could not be written.
    let _ = serde_json::to_writer(out, &value);
}

/// Writes items with commas between them.
pub(crate) fn write_all<T>(
    open: u8,
    items: impl IntoIterator<Item = T>,
    close: u8,
    out: &mut Vec<u8>,
    write: impl Fn(T, &mut Vec<u8>),
) {
    out.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_the_library_of_json_writes_them() {
        for value in [
            json!(null),
            json!({}),
            json!([]),
            json!({"a": [1, -2, 1.5, true, false, null, {"b": {}}], "\"\n": "\u{1}따옴표\"\\"}),
        ] {
            let mut out = Vec::new();
            write(&Value::from_json(value.clone()).unwrap(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }

    #[test]
    fn what_was_written_before_is_a_part() {
        let mut out = Vec::new();
        write(&Value::List(vec![Value::Binary(r#"{"a":1}"#.into()), Value::Null]), &mut out);
        assert_eq!(out, br#"[{"a":1},null]"#);
    }
}
