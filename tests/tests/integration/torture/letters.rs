//! Whether each poison message ended as a dead letter.

use std::collections::BTreeMap;

use super::broker::{Place, Record};

/// Beside what the message brought along, in this order.
const TOLD: [&str; 7] =
    ["x-topic", "x-partition", "x-offset", "x-error-code", "x-error", "x-attempts", "x-failed-at"];

/// Gives how many of the letters repeat another, which is allowed: a consumer may die after the letter and before its
/// position moves.
pub(crate) fn check(letters: &[Record], poison: &BTreeMap<Place, (Record, &'static str)>) -> usize {
    let mut found: BTreeMap<Place, usize> = BTreeMap::new();
    for letter in letters {
        let header = |name: &str| {
            let mut values =
                letter.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
            let value = values.next().unwrap_or_else(|| panic!("{letter:?} has no {name}"));
            assert_eq!(values.next(), None, "{letter:?} has {name} twice");
            value
        };
        let [topic, partition, offset, code, error, attempts, failed_at] = TOLD.map(header);
        let place = (topic.to_owned(), partition.parse().unwrap(), offset.parse().unwrap());
        let (sent, expected) = poison.get(&place).unwrap_or_else(|| panic!("{letter:?} was no poison"));
        assert_eq!((&letter.key, &letter.body), (&sent.key, &sent.body), "{place:?}");
        let original: Vec<_> =
            letter.headers.iter().filter(|(key, _)| !TOLD.contains(&key.as_str())).cloned().collect();
        assert_eq!(original, sent.headers, "{place:?}");
        assert_eq!((code, attempts), (*expected, "1"), "{place:?}: {error}");
        assert!(!error.is_empty(), "{place:?}");
        assert!(chrono::DateTime::parse_from_rfc3339(failed_at).is_ok(), "{place:?}: {failed_at}");
        *found.entry(place).or_default() += 1;
    }
    let lost: Vec<&Place> = poison.keys().filter(|place| !found.contains_key(*place)).collect();
    assert!(lost.is_empty(), "{} poison messages are nowhere: {lost:?}", lost.len());
    letters.len() - found.len()
}
