//! One provider per name, while one of its handles lives.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::{
    error::Error,
    provider::{TokenProvider, WeakTokenProvider},
};

#[derive(Default)]
pub(super) struct ProviderRegistry(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    by_name: HashMap<String, WeakTokenProvider>,
    /// At this size the next insertion first removes the entries without a handle.
    sweep_at: usize,
}

impl ProviderRegistry {
    /// Returns the living provider of this name, or builds one.
    pub(super) fn get_or_build(
        &self,
        name: &str,
        build: impl FnOnce() -> Result<TokenProvider, Error>,
    ) -> Result<TokenProvider, Error> {
        let mut entries = self.0.lock();
        let living = entries.by_name.get(name);
        if let Some(provider) = living.and_then(WeakTokenProvider::upgrade) {
            return Ok(provider);
        }
        let provider = build()?;
        if entries.by_name.len() >= entries.sweep_at {
            entries.by_name.retain(|_, weak| weak.is_alive());
            entries.sweep_at = MIN_SWEEP_SIZE.max(entries.by_name.len() * 2);
        }
        let weak = provider.downgrade();
        entries.by_name.insert(name.to_owned(), weak);
        Ok(provider)
    }
}

const MIN_SWEEP_SIZE: usize = 64;

#[cfg(test)]
mod tests {
    use crate::{Login, grant::AuthorizationCode, region::Region};

    #[test]
    fn names_without_handles_are_removed() {
        let app = AuthorizationCode::public("an-id", "http://localhost").unwrap();
        let login = Login::new(Region::EuWest1, app).unwrap();
        let living: Vec<_> = (0..100)
            .map(|number| login.provider(&format!("living-{number}")).unwrap())
            .collect();
        for number in 0..1_000 {
            login.provider(&format!("dropped-{number}")).unwrap();
        }
        let entries = login.0.registry.0.lock();
        let names = entries.by_name.len();
        assert!(
            (living.len()..=2 * living.len()).contains(&names),
            "{names}"
        );
        let upgrades = |number| {
            let weak = &entries.by_name[&format!("living-{number}")];
            weak.upgrade().is_some()
        };
        assert!((0..100).all(upgrades));
    }
}
