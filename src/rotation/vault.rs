//! Where the secret is kept.

use std::{error::Error as StdError, fmt, pin::Pin, sync::Arc};

use secrecy::SecretString;

use crate::error::Error;

/// Where the secret of the client is kept: a vault, a file or another place. It is what the programs
/// read that use the client.
#[derive(Clone)]
pub struct Vault {
    load: Arc<dyn Fn() -> Answer<Option<SecretString>> + Send + Sync>,
    store: Arc<dyn Fn(SecretString) -> Answer<()> + Send + Sync>,
}

type BoxError = Box<dyn StdError + Send + Sync>;
type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

impl Vault {
    /// A vault that is read by `load`, where `None` means that it holds no secret, and written by
    /// `store`, which returns once the secret is stored so that it outlasts a crash.
    pub fn new<L, LF, S, SF>(load: L, store: S) -> Self
    where
        L: Fn() -> LF + Send + Sync + 'static,
        LF: Future<Output = Result<Option<SecretString>, BoxError>> + Send + 'static,
        S: Fn(SecretString) -> SF + Send + Sync + 'static,
        SF: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self {
            load: Arc::new(move || Box::pin(load())),
            store: Arc::new(move |secret| Box::pin(store(secret))),
        }
    }

    pub(super) async fn load(&self) -> Result<Option<SecretString>, Error> {
        let loaded = (self.load)().await;
        loaded.map_err(|error| failed("the vault did not return the secret", error))
    }

    pub(super) async fn store(&self, secret: SecretString) -> Result<(), Error> {
        let stored = (self.store)(secret).await;
        stored.map_err(|error| failed("the vault did not store the secret", error))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

fn failed(what: &'static str, error: BoxError) -> Error {
    Error::credential_source(what, Some(error))
}
