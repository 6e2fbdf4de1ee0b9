//! A store in the keyring of the operating system.

use std::{fmt, time::Duration};

use super::{FileStore, FileTurn, Sealed, StoreKey, TokenStore};
use crate::{
    environment,
    error::{Error, StoreError},
    keyring::{self, Keyring, KeyringError},
};

/// A store in the keyring of the operating system: the Secret Service of the desktop on Linux (GNOME
/// Keyring, KWallet), the Keychain on macOS, the Credential Manager on Windows.
///
/// **Prefer a [`FileStore`] with [`SealingKey::keyring`]** for the logins of a desktop program. Only the
/// key is then in the keyring, which is read once, so that no request waits for it, and a record may be
/// as long as it needs to be. Use this store where no file may hold logins, sealed or not.
///
/// - **Unlocking.** A keyring may be locked until its user types a password. A provider waits 5 seconds
///   for a step of its store, too short for that: call [`unlock`](Self::unlock) first.
/// - **Deadline.** Calls to the keyring run on a thread of their own, one at a time, and fail after
///   [`timeout`](Self::timeout). A keyring that hangs blocks neither the runtime nor its end.
/// - **No keyring**, as on a server, in a container or over SSH, is an error at once. Its text names the
///   cure: a `FileStore` with [`SealingKey::file`], or [`SealingKey::from_bytes`] if a vault holds the key.
///   No other place is used instead.
/// - **Length.** Windows holds at most 2,560 bytes in an entry. A longer record, such as one with long
///   tokens, is an error before it is sent; the others hold 1 MiB.
/// - **Turns.** A keyring has no locks. The turn of a record is a lock on a file, as for a `FileStore`, in
///   the folder `genesys-cloud-auth/keyring` of the user's state folder (see [`FileStore::new`]). So
///   programs that share an entry must share that folder: a program in a sandbox of its own, such as
///   Flatpak, does not. The lock is checked right before a change, not in one step with it.
/// - **What others see.** Programs of the same user can read an unlocked keyring on Linux and Windows, and
///   see the app's name and a hash. A record is sealed before it gets there, unless the app chose
///   [`SealingKey::unsealed`].
///
/// [`SealingKey::keyring`]: super::SealingKey::keyring
/// [`SealingKey::file`]: super::SealingKey::file
/// [`SealingKey::from_bytes`]: super::SealingKey::from_bytes
/// [`SealingKey::unsealed`]: super::SealingKey::unsealed
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use genesys_cloud_auth::store::KeyringStore;
///
/// let store = KeyringStore::new("crm-desktop")?;
/// store.unlock().await?;   // may ask the user for a password
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct KeyringStore {
    keyring: Keyring,
    /// Keeps the locks only.
    turns: FileStore,
}

impl KeyringStore {
    /// Uses the entries of this app, which the user sees under its name in the desktop's program for
    /// passwords. The name has 1 to 100 bytes. The keyring is reached when it is first needed.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) if the name is empty, too long or contains
    /// control characters, or if the user's state folder is not known.
    pub fn new(app: &str) -> Result<Self, Error> {
        let keyring = Keyring::new(app, DEFAULT_TIMEOUT).map_err(Error::configuration)?;
        let locks = environment::own_state_folder()
            .map_err(Error::configuration)?
            .join("keyring");
        Ok(Self {
            keyring,
            turns: FileStore::in_folder(locks),
        })
    }

    /// Sets how long a call to the keyring is waited for, the user's password and earlier calls included.
    /// The default is 60 seconds. A call that outlasts it may still have its effect, under its turn.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.keyring.set_timeout(timeout);
        self
    }

    /// Unlocks the keyring, for which the system may ask the user for a password.
    ///
    /// # Errors
    /// There is no keyring, the user does not unlock it, or the timeout is over.
    pub async fn unlock(&self) -> Result<(), StoreError> {
        self.run(Keyring::unlock).await
    }

    async fn run<T: Send + 'static>(
        &self,
        calls: impl FnOnce(&Keyring) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.keyring.run(calls).await.map_err(StoreError::new)
    }
}

impl TokenStore for KeyringStore {
    type Turn = FileTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        let key = key.clone();
        let value = self.run(move |keyring| keyring.load(key.as_str())).await?;
        Ok(value.map(|mut value| Sealed::from_bytes(std::mem::take(&mut *value))))
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<FileTurn, StoreError> {
        self.turns.take_turn(key, wait).await
    }

    /// The thread holds the turn until its call ends, also if nobody waits for it any more.
    async fn save(&self, turn: FileTurn, key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        keyring::check_value(value.as_bytes()).map_err(StoreError::new)?;
        let (turns, key) = (self.turns.clone(), key.clone());
        self.run(move |keyring| {
            turns.check_turn(&turn, &key)?;
            keyring.save(key.as_str(), value.as_bytes())
        })
        .await
    }

    async fn remove(&self, turn: FileTurn, key: &StoreKey) -> Result<(), StoreError> {
        let (turns, key) = (self.turns.clone(), key.clone());
        self.run(move |keyring| {
            turns.check_turn(&turn, &key)?;
            keyring.remove(key.as_str())?;
            turns.remove_lock_file(&turn, &key);
            Ok(())
        })
        .await
    }
}

impl fmt::Debug for KeyringStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringStore")
            .field("app", &self.keyring.app())
            .field("locks", &self.turns.folder())
            .finish_non_exhaustive()
    }
}

/// A person needs more than a few seconds to find and type a password.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
