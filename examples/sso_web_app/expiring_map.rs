//! Values kept in memory for a limited time, each under an id that cannot be guessed.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

pub(crate) struct ExpiringMap<T>(Mutex<HashMap<String, (T, Instant)>>);

impl<T> ExpiringMap<T> {
    pub(crate) fn insert(&self, id: &str, value: T, life: Duration) {
        let now = Instant::now();
        let mut entries = self.0.lock();
        entries.retain(|_, (_, end)| now < *end);
        entries.insert(id.to_owned(), (value, now + life));
    }

    pub(crate) fn get(&self, id: &str) -> Option<T>
    where
        T: Clone,
    {
        let entries = self.0.lock();
        let (value, end) = entries.get(id)?;
        (Instant::now() < *end).then(|| value.clone())
    }

    pub(crate) fn remove(&self, id: &str) {
        self.0.lock().remove(id);
    }

    /// Removes and returns the value if it matches. Of two requests for it, one gets it.
    pub(crate) fn take_if(&self, id: &str, matches: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut entries = self.0.lock();
        let (value, end) = entries.get(id)?;
        if *end <= Instant::now() || !matches(value) {
            return None;
        }
        entries.remove(id).map(|(value, _)| value)
    }
}

impl<T> Default for ExpiringMap<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
