use std::collections::HashMap;

use async_graphql::{Value, Variables};

/// A definition without a default, such as `$ids: [ID!]!`, has no more tokens than this.
const DEFINITION: u64 = 10;

/// How much each variable brings along wherever it is used: every use copies and checks its whole value, so a long list
/// that is used a hundred times is a hundred long lists.
#[derive(Debug, Default)]
pub(super) struct Weights<'a> {
    values: HashMap<String, u64>,
    /// Tokens of the definitions, in which defaults may be.
    definitions: HashMap<&'a str, u64>,
    defining: Option<&'a str>,
}

impl<'a> Weights<'a> {
    /// Counts the values that were sent, and gives their number; counting ends at what is more than `enough`.
    pub(super) fn take_values(&mut self, variables: &Variables, enough: u64) -> u64 {
        let mut total = 0;
        for (name, value) in variables.iter() {
            let before = total;
            count(value, &mut total, enough);
            self.values.insert(name.to_string(), total - before);
            if total > enough {
                break;
            }
        }
        total
    }

    /// The definition of a variable begins.
    pub(super) fn define(&mut self, name: &'a str) {
        self.defining = Some(name);
    }

    /// A selection set begins: no definition goes on behind it.
    pub(super) fn end_definitions(&mut self) {
        self.defining = None;
    }

    /// One more token stands in front of a selection set.
    pub(super) fn take_token_of_default(&mut self) {
        if let Some(name) = self.defining {
            *self.definitions.entry(name).or_default() += 1;
        }
    }

    /// What one use of the variable stands for, beside the token that it is.
    pub(super) fn of(&self, name: &str) -> u64 {
        let default = self.definitions.get(name).copied().unwrap_or(0).saturating_sub(DEFINITION);
        default.max(self.values.get(name).copied().unwrap_or(0))
    }
}

/// Lists and objects count with all that is in them. The JSON reader has bounded how deep they are.
fn count(value: &Value, total: &mut u64, enough: u64) {
    *total += 1;
    match value {
        Value::List(items) => {
            for item in items {
                if *total > enough {
                    return;
                }
                count(item, total, enough);
            }
        }
        Value::Object(fields) => {
            for field in fields.values() {
                if *total > enough {
                    return;
                }
                count(field, total, enough);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_counts_with_all_that_is_in_it() {
        let variables = Variables::from_json(json!({"a": [1, [2, 3]], "b": {"c": {"d": null}}, "e": "x"}));
        let mut weights = Weights::default();
        assert_eq!(weights.take_values(&variables, 100), 9);
        assert_eq!((weights.of("a"), weights.of("b"), weights.of("e"), weights.of("f")), (5, 3, 1, 0));
        assert_eq!(Weights::default().take_values(&variables, 3), 4);
    }
}
