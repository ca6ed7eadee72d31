use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use super::Outcome;

/// What this process held when an execution first asked for it. A loader waits for more keys and for the turn of its
/// task, which takes longer than to look there. Asked again, an execution is told the same.
pub(super) struct Held<K, T>(Mutex<Option<HashMap<K, Outcome<T>>>>);

impl<K: Clone + Eq + Hash, T: Clone> Held<K, T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// What was found before, or is now. `may_look` until something had to be loaded: a loader may have been told what is
    /// held by now, or something older, and from then on tells everybody.
    pub(super) fn find(
        &self,
        key: &K,
        may_look: bool,
        look: impl FnOnce() -> Option<Outcome<T>>,
    ) -> Option<Outcome<T>> {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = found.as_ref().and_then(|found| found.get(key)) {
            return Some(told.clone());
        }
        let told = if may_look { look()? } else { return None };
        found.get_or_insert_default().insert(key.clone(), told.clone());
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_execution_is_told_one_thing() {
        let held: Held<&str, i32> = Held::new();
        assert_eq!(held.find(&"a", true, || None), None, "not held");
        assert_eq!(held.find(&"a", true, || Some(Ok(1))), Some(Ok(1)));
        assert_eq!(held.find(&"a", true, || Some(Ok(2))), Some(Ok(1)), "newer by now");
        assert_eq!(held.find(&"a", false, || Some(Ok(2))), Some(Ok(1)));
        assert_eq!(held.find(&"b", false, || Some(Ok(2))), None, "left to the loader");
    }
}
