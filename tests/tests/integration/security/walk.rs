//! Documents that reach every field and argument of the schema, made from what the schema says about itself.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

/// How deep answers are looked into: a list of an object of an object.
const DEPTH: usize = 4;

/// What arguments are given, by name.
pub(super) type Words = HashMap<&'static str, Vec<String>>;

pub(super) struct Schema {
    types: HashMap<String, Value>,
}

pub(super) const INTROSPECTION: &str = "{ __schema { types { kind name enumValues { name } possibleTypes { name } \
    fields { name args { name defaultValue type { ...T } } type { ...T } } \
    inputFields { name type { ...T } } } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

impl Schema {
    pub(super) fn new(answer: &Value) -> Self {
        let types = answer["__schema"]["types"].as_array().unwrap();
        Self { types: types.iter().map(|kind| (text(&kind["name"]), kind.clone())).collect() }
    }

    /// Documents of `root` that have every field and every argument, with every value of `words` that fits.
    pub(super) fn documents(&self, root: &str, words: &Words) -> Vec<String> {
        let keyword = root.to_ascii_lowercase();
        let mut all = Vec::new();
        for field in self.fields(root) {
            for call in self.calls(field, words) {
                all.push(format!(
                    "{keyword} {{ {call}{} }}",
                    self.selection(&name(&field["type"]), words, DEPTH)
                ));
            }
            // Arguments of the fields below.
            let [call, ..] = &self.calls(field, words)[..] else { continue };
            for below in self.fields(&name(&field["type"])) {
                if below["args"].as_array().is_some_and(|args| !args.is_empty()) {
                    for inner in self.calls(below, words) {
                        let deeper = self.selection(&name(&below["type"]), words, DEPTH - 1);
                        all.push(format!("{keyword} {{ {call} {{ {inner}{deeper} }} }}"));
                    }
                }
            }
        }
        all
    }

    fn fields(&self, kind: &str) -> &[Value] {
        self.types.get(kind).and_then(|kind| kind["fields"].as_array()).map_or(&[], Vec::as_slice)
    }

    /// The field with what it needs, and then with each of its arguments in turn.
    fn calls(&self, field: &Value, words: &Words) -> Vec<String> {
        let own = text(&field["name"]);
        let args = field["args"].as_array().unwrap();
        let (needed, other): (Vec<&Value>, Vec<&Value>) =
            args.iter().partition(|arg| arg["type"]["kind"] == "NON_NULL" && arg["defaultValue"].is_null());
        let mut calls = vec![String::new()];
        for arg in needed {
            calls = calls
                .iter()
                .flat_map(|before| {
                    self.given(arg, words).into_iter().map(move |given| format!("{before} {given}"))
                })
                .collect();
        }
        let base = calls.clone();
        for arg in other {
            for given in self.given(arg, words) {
                calls.extend(base.iter().map(|before| format!("{before} {given}")));
            }
        }
        let call = |arguments: String| {
            if arguments.is_empty() { own.clone() } else { format!("{own}({})", arguments.trim()) }
        };
        calls.into_iter().map(call).collect()
    }

    fn given(&self, arg: &Value, words: &Words) -> Vec<String> {
        let own = text(&arg["name"]);
        self.values(&own, &arg["type"], words).into_iter().map(|value| format!("{own}: {value}")).collect()
    }

    fn values(&self, own: &str, kind: &Value, words: &Words) -> Vec<String> {
        match kind["kind"].as_str().unwrap() {
            "NON_NULL" => self.values(own, &kind["ofType"], words),
            "LIST" => {
                self.values(own, &kind["ofType"], words).iter().map(|value| format!("[{value}]")).collect()
            }
            "ENUM" => {
                let values = self.types[&name(kind)]["enumValues"].as_array().unwrap();
                values.iter().map(|value| text(&value["name"])).collect()
            }
            "INPUT_OBJECT" => {
                let fields = self.types[&name(kind)]["inputFields"].as_array().unwrap();
                let needed = fields.iter().find(|field| field["type"]["kind"] == "NON_NULL");
                let needed = needed.map(|field| self.given(field, words).remove(0)).unwrap_or_default();
                let object = |field: &Value| {
                    let given = self.given(field, words);
                    given
                        .into_iter()
                        .map(|given| {
                            let known = needed.split(':').next() == given.split(':').next();
                            format!("{{ {} {given} }}", if known { "" } else { &needed })
                        })
                        .collect::<Vec<_>>()
                };
                fields.iter().flat_map(object).collect()
            }
            _ => words
                .get(own)
                .or_else(|| words.get(kind["name"].as_str().unwrap()))
                .unwrap_or_else(|| panic!("no words for {own}: {}", kind["name"]))
                .clone(),
        }
    }

    fn selection(&self, kind: &str, words: &Words, depth: usize) -> String {
        let mut inner = String::new();
        for field in self.fields(kind) {
            let below = name(&field["type"]);
            let is_leaf =
                !matches!(self.types[&below]["kind"].as_str(), Some("OBJECT" | "INTERFACE" | "UNION"));
            if !is_leaf && depth == 1 {
                continue;
            }
            let call = self.calls(field, words).remove(0);
            write!(inner, " {call}{}", self.selection(&below, words, depth - 1)).unwrap();
        }
        for possible in self.types[kind]["possibleTypes"].as_array().into_iter().flatten() {
            let possible = text(&possible["name"]);
            write!(inner, " ... on {possible}{}", self.selection(&possible, words, depth.min(2))).unwrap();
        }
        if inner.is_empty() { inner } else { format!(" {{ __typename{inner} }}") }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Of the innermost type.
fn name(kind: &Value) -> String {
    if kind["ofType"].is_null() { text(&kind["name"]) } else { name(&kind["ofType"]) }
}
