use quick_cache::{Weighter, sync::Cache};

/// The library makes as many shards as a machine has use for, but none for less than 32 entries. So there are eight at most.
const ENTRIES: usize = 256;

/// A cache of so many bytes at most. Whatever takes a tenth of them has room, on machines with many processors too.
pub fn by_bytes<K, V, W>(bytes: u64, weighter: W) -> Cache<K, V, W>
where
    K: Eq + std::hash::Hash,
    V: Clone,
    W: Weighter<K, V> + Clone,
{
    Cache::with_weighter(ENTRIES, bytes, weighter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Itself;

    impl Weighter<u64, ()> for Itself {
        fn weight(&self, number: &u64, (): &()) -> u64 {
            *number
        }
    }

    #[test]
    fn a_tenth_has_room() {
        let cache = by_bytes(8_000, Itself);
        cache.insert(800, ());
        assert!(cache.num_shards() <= 8 && cache.contains_key(&800));
        for number in 1..=1_000 {
            cache.insert(number, ());
        }
        assert!(cache.weight() <= 8_000);
    }
}
