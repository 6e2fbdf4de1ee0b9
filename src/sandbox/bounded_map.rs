//! A map that cannot grow without end.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

/// A map with at most [`MAX_ENTRIES`] entries. When it is full, a new entry replaces the oldest.
pub(super) struct BoundedMap<K, V> {
    entries: HashMap<K, (u64, V)>,
    /// The keys in the order of their insertion.
    order: BTreeMap<u64, K>,
    inserted: u64,
}

impl<K, V> Default for BoundedMap<K, V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            inserted: 0,
        }
    }
}

impl<K: Clone + Eq + Hash, V> BoundedMap<K, V> {
    /// Inserts an entry and returns the value that the key had before.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let former = self.remove(&key);
        if self.entries.len() >= MAX_ENTRIES
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.inserted += 1;
        self.order.insert(self.inserted, key.clone());
        self.entries.insert(key, (self.inserted, value));
        former
    }

    pub(super) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(super) fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    pub(super) fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let (number, value) = self.entries.remove(key)?;
        self.order.remove(&number);
        Some(value)
    }

    /// Keeps the entries whose value `keeps` accepts.
    pub(super) fn retain(&mut self, keeps: impl Fn(&V) -> bool) {
        let order = &mut self.order;
        self.entries.retain(|_, (number, value)| {
            let is_kept = keeps(value);
            if !is_kept {
                order.remove(number);
            }
            is_kept
        });
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut().map(|(_, value)| value)
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }
}

/// More than a test needs, and a few megabytes.
const MAX_ENTRIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_entry_replaces_the_oldest_when_the_map_is_full() {
        let mut map = BoundedMap::default();
        for key in 0..MAX_ENTRIES {
            map.insert(key, key);
        }
        // An entry that is inserted again is no longer the oldest.
        assert_eq!(map.insert(0, 7), Some(0));
        assert_eq!(map.remove(&2), Some(2));
        for key in MAX_ENTRIES..MAX_ENTRIES + 3 {
            assert_eq!(map.insert(key, key), None);
        }
        let missing: Vec<_> = (0..MAX_ENTRIES + 3)
            .filter(|key| map.get(key).is_none())
            .collect();
        assert_eq!(missing, [1, 2, 3]);
        assert_eq!(map.get(&0), Some(&7));
    }

    #[test]
    fn removed_entries_leave_nothing_behind() {
        let mut map = BoundedMap::default();
        for key in 0..10 {
            map.insert(key, key);
            map.remove(&key);
            map.insert(-key, key);
        }
        map.retain(|value| value % 2 == 0);
        assert_eq!((map.entries.len(), map.order.len()), (5, 5));
        map.clear();
        assert_eq!((map.entries.len(), map.order.len()), (0, 0));
    }
}
