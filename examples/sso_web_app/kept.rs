//! What is kept for browsers, in memory: each under an id that nobody guesses, and for a time.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

pub(crate) struct Kept<T>(Mutex<HashMap<String, (T, Instant)>>);

impl<T> Kept<T> {
    pub(crate) fn keep(&self, id: &str, value: T, life: Duration) {
        let now = Instant::now();
        let mut all = self.0.lock();
        all.retain(|_, (_, ends)| now < *ends);
        all.insert(id.to_owned(), (value, now + life));
    }

    pub(crate) fn get(&self, id: &str) -> Option<T>
    where
        T: Clone,
    {
        let all = self.0.lock();
        let (value, ends) = all.get(id)?;
        (Instant::now() < *ends).then(|| value.clone())
    }

    /// Takes it out where it is the right one: of two who ask, one gets it.
    pub(crate) fn take_if(&self, id: &str, is_right: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut all = self.0.lock();
        let (value, ends) = all.get(id)?;
        if *ends <= Instant::now() || !is_right(value) {
            return None;
        }
        all.remove(id).map(|(value, _)| value)
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
