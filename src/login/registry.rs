//! One provider for each name, while one of its handles lives.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::{
    error::Error,
    provider::{TokenProvider, WeakTokenProvider},
};

#[derive(Default)]
pub(super) struct Providers(Mutex<Known>);

#[derive(Default)]
struct Known {
    by_name: HashMap<String, WeakTokenProvider>,
    /// From this many on, those whose handles are all gone are looked for.
    crowded: usize,
}

impl Providers {
    /// The provider of this name that lives, or else the one that is made now.
    pub(super) fn get_or_make(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<TokenProvider, Error>,
    ) -> Result<TokenProvider, Error> {
        let mut known = self.0.lock();
        let living = known.by_name.get(name).and_then(WeakTokenProvider::upgrade);
        if let Some(provider) = living {
            return Ok(provider);
        }
        let provider = make()?;
        if known.by_name.len() >= known.crowded {
            known.by_name.retain(|_, weak| weak.upgrade().is_some());
            known.crowded = LEAST.max(known.by_name.len() * 2);
        }
        known.by_name.insert(name.to_owned(), provider.downgrade());
        Ok(provider)
    }
}

const LEAST: usize = 64;

#[cfg(test)]
mod tests {
    use crate::{Login, grant::AuthorizationCode, region::Region};

    #[test]
    fn names_whose_handles_are_gone_are_forgotten() {
        let app = AuthorizationCode::public("an-id", "http://localhost").unwrap();
        let login = Login::new(Region::EuWest1, app).unwrap();
        let living: Vec<_> = (0..100)
            .map(|number| login.provider(&format!("living-{number}")).unwrap())
            .collect();
        for number in 0..1_000 {
            login.provider(&format!("gone-{number}")).unwrap();
        }
        let known = login.0.providers.0.lock();
        let names = known.by_name.len();
        assert!(
            (living.len()..=2 * living.len()).contains(&names),
            "{names}"
        );
        let upgrades = |number| {
            known.by_name[&format!("living-{number}")]
                .upgrade()
                .is_some()
        };
        assert!((0..100).all(upgrades));
    }
}
