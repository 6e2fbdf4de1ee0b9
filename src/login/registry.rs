//! One provider per name: while one of its handles lives, and as long as it is one of those used last.

use std::{collections::HashMap, mem};

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
    /// Handles of the providers used last. A request of a web application drops its own, and with the
    /// last one a provider would lose what it knows of its login.
    young: HashMap<String, TokenProvider>,
    /// The handles before them. They are dropped when `young` is full and takes their place.
    old: HashMap<String, TokenProvider>,
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

    /// Keeps the provider of this name until many others were used. One that renews its token in the
    /// background is not kept: it would do so for ever.
    pub(super) fn keep(&self, name: &str, provider: &TokenProvider) {
        if provider.renews_in_background() {
            return;
        }
        let dropped = self.0.lock().keep(name, provider);
        // An error in a provider may hold the program's own, whose drop may use the login.
        drop(dropped);
    }
}

impl Entries {
    /// Returns the handles that are not kept any more.
    fn keep(&mut self, name: &str, provider: &TokenProvider) -> HashMap<String, TokenProvider> {
        if self.young.contains_key(name) {
            return HashMap::new();
        }
        let full = self.young.len() >= MAX_YOUNG;
        let dropped = full.then(|| mem::replace(&mut self.old, mem::take(&mut self.young)));
        self.young.insert(name.to_owned(), provider.clone());
        dropped.unwrap_or_default()
    }
}

const MIN_SWEEP_SIZE: usize = 64;

/// At least as many providers are kept, and at most twice as many.
const MAX_YOUNG: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::{
        error, fmt,
        sync::{Arc, OnceLock, Weak, mpsc},
        thread,
        time::Duration,
    };

    use super::*;
    use crate::{
        error::StoreError,
        grant::AuthorizationCode,
        login::{Inner, Login, LoginBuilder},
        region::Region,
        seal::SealingKey,
        store::{Sealed, StoreKey, TokenStore},
    };

    fn builder() -> LoginBuilder {
        let app = AuthorizationCode::public("an-id", "http://localhost").unwrap();
        Login::builder(Region::EuWest1, app)
    }

    /// Keeps a provider of this name without a handle.
    fn keep(login: &Login, name: &str) -> WeakTokenProvider {
        let provider = login.provider(name).unwrap();
        login.keep(name, provider).downgrade()
    }

    #[test]
    fn providers_used_last_are_kept_without_a_handle() {
        let login = builder().build().unwrap();
        let first = keep(&login, "first");
        let number = 3 * MAX_YOUNG;
        let weak: Vec<_> = (0..number)
            .map(|number| {
                let weak = keep(&login, &number.to_string());
                drop(login.provider(&format!("unknown-{number}")).unwrap());
                keep(&login, "first");
                weak
            })
            .collect();
        let alive = weak.iter().filter(|weak| weak.is_alive()).count();
        assert!((MAX_YOUNG..2 * MAX_YOUNG).contains(&alive), "{alive}");
        assert!(
            weak[number - MAX_YOUNG + 1..]
                .iter()
                .all(WeakTokenProvider::is_alive)
        );
        assert!(first.is_alive());
    }

    #[test]
    fn background_renewal_ends_with_the_last_handle() {
        let login = builder().renew_in_background().build().unwrap();
        assert!(!keep(&login, "jo").is_alive());
    }

    /// An error that uses the login when it is dropped.
    struct Busy(Arc<OnceLock<Weak<Inner>>>);

    impl Drop for Busy {
        fn drop(&mut self) {
            if let Some(login) = self.0.get().and_then(Weak::upgrade) {
                drop(Login(login).provider("another").unwrap());
            }
        }
    }

    impl fmt::Debug for Busy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Busy")
        }
    }

    impl fmt::Display for Busy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("not yet")
        }
    }

    impl error::Error for Busy {}

    /// A store that fails with such an error.
    struct Full(Arc<OnceLock<Weak<Inner>>>);

    impl TokenStore for Full {
        type Turn = ();

        async fn load(&self, _: &StoreKey) -> Result<Option<Sealed>, StoreError> {
            Err(StoreError::new(Busy(Arc::clone(&self.0))))
        }

        async fn take_turn(&self, _: &StoreKey, _: Duration) -> Result<(), StoreError> {
            Ok(())
        }

        async fn save(&self, (): (), _: &StoreKey, _: Sealed) -> Result<(), StoreError> {
            Ok(())
        }

        async fn remove(&self, (): (), _: &StoreKey) -> Result<(), StoreError> {
            Ok(())
        }
    }

    /// Runs in a thread of its own, which a drop under the lock blocks for ever.
    #[test]
    fn error_of_a_dropped_provider_may_use_the_login() {
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            let later = Arc::default();
            let full = Full(Arc::clone(&later));
            let login = builder().store(full, SealingKey::unsealed());
            let login = login.build().unwrap();
            later.set(Arc::downgrade(&login.0)).unwrap();
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let failed = login.provider("failed").unwrap();
            runtime.block_on(failed.token()).unwrap_err();
            drop(runtime);
            let failed = login.keep("failed", failed).downgrade();
            for number in 0..2 * MAX_YOUNG {
                keep(&login, &number.to_string());
            }
            assert!(!failed.is_alive());
            ended.send(()).unwrap();
        });
        let result = end.recv_timeout(Duration::from_secs(30));
        assert!(result.is_ok(), "it hangs or panics");
    }

    #[test]
    fn names_without_handles_are_removed() {
        let login = builder().build().unwrap();
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
