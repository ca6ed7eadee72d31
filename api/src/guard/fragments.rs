use std::collections::HashMap;

/// One operation or fragment as the scan saw it.
#[derive(Debug, Default)]
pub(super) struct Definition<'a> {
    /// A fragment's name; operations have none here.
    pub(super) fragment: Option<&'a str>,
    /// Tokens in it, spreads not expanded.
    pub(super) tokens: u64,
    /// The deepest bracket in it.
    pub(super) depth: u64,
    /// The fragments that it spreads, each with the depth at which it does.
    pub(super) spreads: Vec<(&'a str, u64)>,
    /// The variables that it uses, each as often as it does.
    pub(super) variables: Vec<&'a str>,
}

/// What the operations come to with every spread and every variable written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    pub(super) tokens: u64,
    pub(super) depth: u64,
}

/// Sums up all definitions with spreads written out, each fragment once: linear in definitions and spreads, however
/// often a spread multiplies. A variable counts as `weight` says.
///
/// # Errors
/// The name of a fragment that spreads itself, directly or through others.
pub(super) fn expand<'a>(
    definitions: &[Definition<'a>],
    weight: impl Fn(&str) -> u64,
) -> Result<Expanded, &'a str> {
    let by_name: HashMap<&str, usize> = definitions
        .iter()
        .enumerate()
        .filter_map(|(index, definition)| definition.fragment.map(|name| (name, index)))
        .collect();
    let targets: Vec<Vec<(usize, u64)>> = definitions
        .iter()
        .map(|definition| {
            let known = definition.spreads.iter();
            known.filter_map(|(name, depth)| Some((*by_name.get(name)?, *depth))).collect()
        })
        .collect();

    let mut waiting_for: Vec<usize> = targets.iter().map(Vec::len).collect();
    let mut spread_by: Vec<Vec<usize>> = vec![Vec::new(); definitions.len()];
    for (index, spreads) in targets.iter().enumerate() {
        for (target, _) in spreads {
            if let Some(users) = spread_by.get_mut(*target) {
                users.push(index);
            }
        }
    }

    let mut ready: Vec<usize> =
        (0..definitions.len()).filter(|index| waiting_for.get(*index) == Some(&0)).collect();
    let mut expanded: Vec<Option<Expanded>> = vec![None; definitions.len()];
    let mut total = Expanded::default();
    while let Some(index) = ready.pop() {
        let (Some(definition), Some(spreads)) = (definitions.get(index), targets.get(index)) else {
            continue;
        };
        let variables: u64 = definition.variables.iter().map(|name| weight(name)).sum();
        let mut sum =
            Expanded { tokens: definition.tokens.saturating_add(variables), depth: definition.depth };
        for (target, at_depth) in spreads {
            if let Some(part) = expanded.get(*target).copied().flatten() {
                sum.tokens = sum.tokens.saturating_add(part.tokens);
                sum.depth = sum.depth.max(at_depth.saturating_add(part.depth));
            }
        }
        if let Some(slot) = expanded.get_mut(index) {
            *slot = Some(sum);
        }
        total.depth = total.depth.max(sum.depth);
        if definition.fragment.is_none() {
            total.tokens = total.tokens.saturating_add(sum.tokens);
        }
        for user in spread_by.get(index).into_iter().flatten() {
            if let Some(count) = waiting_for.get_mut(*user) {
                *count -= 1;
                if *count == 0 {
                    ready.push(*user);
                }
            }
        }
    }

    // What never became ready lies on a cycle or leads to one; only a fragment can lie on one.
    let mut stuck = expanded.iter().zip(definitions).filter(|(sum, _)| sum.is_none());
    match stuck.find_map(|(_, definition)| definition.fragment) {
        Some(name) => Err(name),
        None => Ok(total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(name: &'static str, spreads: &[&'static str]) -> Definition<'static> {
        Definition {
            fragment: Some(name),
            tokens: 10,
            depth: 1,
            spreads: spreads.iter().map(|to| (*to, 1)).collect(),
            variables: vec!["v"],
        }
    }

    #[test]
    fn doubling_is_counted_without_being_done() {
        let names: Vec<&'static str> =
            (0..64).map(|i| &*Box::leak(format!("f{i}").into_boxed_str())).collect();
        let mut all: Vec<_> = names.windows(2).map(|pair| fragment(pair[0], &[pair[1], pair[1]])).collect();
        all.push(fragment(names[63], &[]));
        all.push(Definition { spreads: vec![(names[0], 1)], tokens: 4, depth: 1, ..Definition::default() });
        let total = expand(&all, |_| 0).expect("no cycle");
        assert_eq!(total, Expanded { tokens: u64::MAX, depth: 65 });
    }

    #[test]
    fn variables_are_written_out_wherever_they_are_used() {
        let operation = Definition { spreads: vec![("a", 1), ("a", 1)], ..Definition::default() };
        let total = expand(&[fragment("a", &[]), operation], |name| if name == "v" { 100 } else { 0 });
        assert_eq!(total.map(|total| total.tokens), Ok(220));
    }

    #[test]
    fn cycles_are_named() {
        assert_eq!(expand(&[fragment("a", &["a"])], |_| 0), Err("a"));
        assert!(expand(&[fragment("a", &["b"]), fragment("b", &["a", "missing"])], |_| 0).is_err());
    }

    #[test]
    fn unknown_fragments_are_left_to_validation() {
        let operation =
            Definition { spreads: vec![("missing", 2)], tokens: 5, depth: 2, ..Definition::default() };
        assert_eq!(expand(&[operation], |_| 0), Ok(Expanded { tokens: 5, depth: 2 }));
    }
}
