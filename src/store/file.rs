//! A store that keeps its records in the files of one folder.

mod expired;
mod turn;

use std::{
    fmt, fs,
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use turn::FileTurn;

use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::{Sealed, StoreKey, TokenStore, check_timers};
use crate::{
    environment,
    error::{Error, StoreError},
    private_file::{self, Failure, Folder},
    seal::is_sealed,
};

/// A store in files: a folder with one file for each record, shared by the processes of one user.
///
/// A new record is written to a file next to the old one, synced, and renamed over it. At every
/// moment, also after a crash, either the old record or the new one is there, complete. The turn is
/// a kernel lock on a separate file, so a process gives it up however it ends.
///
/// On Unix the folder is created with mode 0700 and its files with 0600, whatever the umask. A
/// record, a lock or a folder that others may write to, or that belongs to another user, is an
/// error, and so is a link in the place of a file. A link in the place of the folder is followed.
///
/// `fsGroup` of Kubernetes gives a group access to all files of a volume at each mount. A sealed
/// record is still used, also in a folder of this user's with mode 2770: its mode is set to 0600
/// again, and what others may have written there does not open. An unsealed record is an error
/// there; `fsGroupChangePolicy: OnRootMismatch` and a folder below the mount keep the modes.
///
/// On other platforms the permissions of the folder apply. All this holds for local file systems
/// that honour locks, rename and sync, not for network folders, and is tested on Linux.
///
/// A damaged or foreign record does not open and counts as absent; one of more than 1 MiB is an
/// error.
///
/// A week after its token has ended, a record is removed when another one is saved in the folder, on
/// Unix with its lock file. A login with a refresh token stays until it is removed.
///
/// ```
/// use genesys_cloud_auth::store::FileStore;
///
/// let folder = tempfile::tempdir()?;
/// let store = FileStore::in_folder(folder.path().join("tokens"));
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    folder: PathBuf,
    #[cfg(feature = "test-util")]
    before_step: Option<Arc<Step>>,
}

#[cfg(feature = "test-util")]
type Step = dyn Fn(&str) + Send + Sync;

impl FileStore {
    /// Uses the folder `genesys-cloud-auth` in the user's state folder: in `XDG_STATE_HOME` or
    /// `~/.local/state`, on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) if the state folder is not known.
    pub fn new() -> Result<Self, Error> {
        environment::own_state_folder()
            .map(Self::in_folder)
            .map_err(|why| {
                Error::configuration(format!("{why}, or name a folder by FileStore::in_folder"))
            })
    }

    /// Uses this folder, which is created when it is first needed.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        // A later change of the working directory must not move the store.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Self(Arc::new(Inner {
            folder,
            #[cfg(feature = "test-util")]
            before_step: None,
        }))
    }

    /// Returns the folder of the records.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Calls `step` with the name of each step before a record is changed, on the thread that does
    /// it: `create`, `write`, `sync`, `rename`, `sync_folder` to save, and `unlink`, `sync_folder` to
    /// remove. This is for tests that stop a process there until it is killed.
    #[cfg(feature = "test-util")]
    pub fn before_step(self, step: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.before_step = Some(Arc::new(step));
        Self(Arc::new(inner))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let runtime = Handle::try_current().map_err(StoreError::new)?;
        let work = runtime.spawn_blocking(move || work(&inner));
        work.await
            .map_err(StoreError::new)?
            .map_err(StoreError::new)
    }
}

impl TokenStore for FileStore {
    type Turn = FileTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        let key = key.clone();
        self.blocking(move |inner| inner.load(&key)).await
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<FileTurn, StoreError> {
        if let Some(turn) = self.try_turn(key).await? {
            return Ok(turn);
        }
        check_timers()?;
        let polling = async {
            let mut pause = FIRST_LOCK_PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                if let Some(turn) = self.try_turn(key).await? {
                    return Ok(turn);
                }
                pause = (pause * 2).min(MAX_LOCK_PAUSE);
            }
        };
        match tokio::time::timeout(wait, polling).await {
            Ok(turn) => turn,
            Err(_) => Err(StoreError::new(turn::held_elsewhere(&self.0.lock(key)))),
        }
    }

    async fn save(&self, turn: FileTurn, key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking(move |inner| inner.save(turn, &key, &value))
            .await
    }

    async fn remove(&self, turn: FileTurn, key: &StoreKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking(move |inner| inner.remove(&turn, &key)).await
    }
}

impl FileStore {
    async fn try_turn(&self, key: &StoreKey) -> Result<Option<FileTurn>, StoreError> {
        let key = key.clone();
        self.blocking(move |inner| {
            let _ = private_file::make_folder(&inner.folder)?;
            let turn = turn::try_take(inner.lock(&key))?;
            if turn.is_some() {
                inner.remove_stale(&key)?;
            }
            Ok(turn)
        })
        .await
    }
}

/// For a store that keeps its records elsewhere and its turns here.
#[cfg(feature = "keyring-store")]
impl FileStore {
    pub(super) fn check_turn(&self, turn: &FileTurn, key: &StoreKey) -> Result<(), Failure> {
        turn.check(&self.0.lock(key))
    }

    pub(super) fn remove_lock_file(&self, turn: &FileTurn, key: &StoreKey) {
        turn.remove_lock_file(&self.0.lock(key));
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileStore").field(&self.0.folder).finish()
    }
}

impl Inner {
    fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, Failure> {
        let folder = private_file::check_folder(&self.folder)?;
        if folder == Folder::Missing {
            return Ok(None);
        }
        let path = self.record(key);
        let Some(file) = open_record(&path)? else {
            return Ok(None);
        };
        let length = file.metadata().map_or(0, |about| about.len());
        let length = usize::try_from(length)
            .unwrap_or(MAX_RECORD_BYTES)
            .min(MAX_RECORD_BYTES);
        // The buffer has room for one more byte, so it never grows and leaves no copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
        file.take(MAX_RECORD_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::io(&path, "be read", error))?;
        let record = Sealed::from_bytes(std::mem::take(&mut *bytes));
        check_length(&path, &record)?;
        check_sealed(&path, &record, folder)?;
        Ok(Some(record))
    }

    fn save(&self, turn: FileTurn, key: &StoreKey, value: &Sealed) -> Result<(), Failure> {
        self.replace(&turn, key, value)?;
        if let Some(end) = value.expires_at() {
            // Without the time, or with an earlier one, a token is lost or left behind, never a login.
            let _ = expired::note(turn.file(), end);
            drop(turn);
            expired::remove_all(&self.folder);
        }
        Ok(())
    }

    fn replace(&self, turn: &FileTurn, key: &StoreKey, value: &Sealed) -> Result<(), Failure> {
        let (path, new) = (self.record(key), self.new_record(key));
        check_length(&path, value)?;
        check_sealed(&path, value, private_file::check_folder(&self.folder)?)?;
        record_is_there(&path)?;
        turn.check(&self.lock(key))?;
        self.step("create");
        let file = private_file::create_new(&new)?;
        let written = self.write(&file, &new, value).and_then(|()| {
            turn.check(&self.lock(key))?;
            if value.expires_at().is_none() {
                let lock = self.lock(key);
                expired::clear_note(turn.file())
                    .map_err(|error| Failure::io(&lock, "be written", error))?;
            }
            self.step("rename");
            fs::rename(&new, &path).map_err(|error| Failure::io(&path, "be replaced", error))
        });
        // The next holder of a lost turn may have replaced the file with its own.
        if written.is_err() && private_file::has_name(&file, &new) {
            let _ = fs::remove_file(&new);
        }
        written?;
        self.step("sync_folder");
        private_file::sync_folder(&self.folder)
    }

    fn write(&self, mut file: &fs::File, new: &Path, value: &Sealed) -> Result<(), Failure> {
        self.step("write");
        file.write_all(value.as_bytes())
            .and_then(|()| {
                self.step("sync");
                file.sync_all()
            })
            .map_err(|error| Failure::io(new, "be written", error))
    }

    fn remove(&self, turn: &FileTurn, key: &StoreKey) -> Result<(), Failure> {
        let path = self.record(key);
        let is_there = record_is_there(&path)?;
        turn.check(&self.lock(key))?;
        self.step("unlink");
        if is_there {
            fs::remove_file(&path).map_err(|error| Failure::io(&path, "be removed", error))?;
        }
        self.step("sync_folder");
        private_file::sync_folder(&self.folder)?;
        turn.remove_lock_file(&self.lock(key));
        Ok(())
    }

    /// Removes the file of a process that ended while it wrote. The caller has the turn.
    fn remove_stale(&self, key: &StoreKey) -> Result<(), Failure> {
        let new = self.new_record(key);
        if private_file::is_own(&new)? {
            fs::remove_file(&new).map_err(|error| Failure::io(&new, "be removed", error))?;
        }
        Ok(())
    }

    fn record(&self, key: &StoreKey) -> PathBuf {
        self.folder.join(key.as_str())
    }

    fn new_record(&self, key: &StoreKey) -> PathBuf {
        self.folder.join(format!("{}.new", key.as_str()))
    }

    fn lock(&self, key: &StoreKey) -> PathBuf {
        self.folder.join(format!("{}.lock", key.as_str()))
    }

    #[cfg(feature = "test-util")]
    fn step(&self, name: &str) {
        if let Some(before_step) = &self.before_step {
            before_step(name);
        }
    }

    #[cfg(not(feature = "test-util"))]
    #[allow(clippy::unused_self, reason = "only tests observe the steps")]
    fn step(&self, _: &str) {}
}

/// Opens a record, if there is one. A sealed one is narrowed.
fn open_record(path: &Path) -> Result<Option<fs::File>, Failure> {
    private_file::open_narrowed(path, |mut file| {
        let mut first = [0];
        file.read_exact(&mut first).is_ok() && is_sealed(&first) && file.rewind().is_ok()
    })
}

fn record_is_there(path: &Path) -> Result<bool, Failure> {
    match private_file::is_there(path) {
        // It may be a record that can be narrowed.
        Err(_) => Ok(open_record(path)?.is_some()),
        there => there,
    }
}

/// Whoever may write to the folder could exchange unsealed records.
fn check_sealed(path: &Path, record: &Sealed, folder: Folder) -> Result<(), Failure> {
    if folder != Folder::Shared || is_sealed(record.as_bytes()) {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::new(format!(
        "{path}: an unsealed record is rejected in a folder that a group may write to; use a sealing \
         key, or a folder below the mount with fsGroupChangePolicy: OnRootMismatch"
    )))
}

fn check_length(path: &Path, record: &Sealed) -> Result<(), Failure> {
    if record.as_bytes().len() <= MAX_RECORD_BYTES {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::new(format!(
        "{path}: the record is longer than 1 MiB; a file of that size is not from this store: remove it"
    )))
}

const MAX_RECORD_BYTES: usize = 1 << 20;

/// The first and the longest time between two attempts to lock.
const FIRST_LOCK_PAUSE: Duration = Duration::from_millis(2);
const MAX_LOCK_PAUSE: Duration = Duration::from_millis(50);
