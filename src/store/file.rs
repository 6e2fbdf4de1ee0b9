//! Records in files of one folder.

mod turn;

use std::{
    fmt, fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use turn::FileTurn;

use zeroize::Zeroizing;

use super::{Sealed, StoreKey, TokenStore};
use crate::{
    environment,
    error::{Error, StoreError},
    private_file::{self, Failure},
};

/// A store in files: one folder, and in it one file a record, which other processes of the same
/// user share.
///
/// A record is written beside, synced, and renamed over the old one: at every moment, after a crash
/// too, there is the old record or the new one, whole. The turn is the kernel's lock on a file of
/// its own, so that a process that ends, however it ends, gives it up.
///
/// On Unix the folder is made with mode 0700 and its files with 0600, whatever the umask; a record,
/// a lock or a folder that others may write to, or that belongs to another user, is an error, and
/// so is a link in the place of a file. A link in the place of the folder is followed. Elsewhere the platform's own default rights of the folder
/// hold. All this holds for local file systems that honour locks, rename and sync, not for network
/// folders, and is tested on Linux.
///
/// A record that is not whole or not ours is for the key to judge and counts as absent; one of more
/// than 1 MiB is an error.
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
    /// In the user's state folder, in `genesys-cloud-auth`: below `XDG_STATE_HOME` or
    /// `~/.local/state`, on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration): nothing says where that is.
    pub fn new() -> Result<Self, Error> {
        let state = environment::state_folder().ok_or_else(|| {
            Error::configuration(
                "the user's state folder is not known; set HOME or XDG_STATE_HOME (on Windows \
                 LOCALAPPDATA), or name a folder by FileStore::in_folder",
            )
        })?;
        Ok(Self::in_folder(state.join("genesys-cloud-auth")))
    }

    /// In this folder, which is made when first needed.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        // So that a change of the working directory does not lead elsewhere.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Self(Arc::new(Inner {
            folder,
            #[cfg(feature = "test-util")]
            before_step: None,
        }))
    }

    /// Where its records are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Calls `step` before each step of a change of a record, with its name, on the thread that
    /// takes it: `create`, `write`, `sync`, `rename`, `sync_folder` to save, and `unlink`,
    /// `sync_folder` to remove. For tests that hold a process there until it is killed.
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
        tokio::task::spawn_blocking(move || work(&inner))
            .await
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
        let polling = async {
            let mut pause = FIRST_PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                if let Some(turn) = self.try_turn(key).await? {
                    return Ok(turn);
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        match tokio::time::timeout(wait, polling).await {
            Ok(turn) => turn,
            Err(_) => Err(StoreError::new(turn::taken(&self.0.lock(key)))),
        }
    }

    async fn save(&self, turn: FileTurn, key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking(move |inner| inner.save(&turn, &key, &value))
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
            private_file::make_folder(&inner.folder)?;
            let turn = turn::try_take(inner.lock(&key))?;
            if turn.is_some() {
                inner.remove_stale(&key)?;
            }
            Ok(turn)
        })
        .await
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileStore").field(&self.0.folder).finish()
    }
}

impl Inner {
    fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, Failure> {
        if !private_file::check_folder(&self.folder)? {
            return Ok(None);
        }
        let path = self.record(key);
        let Some(file) = private_file::open(&path)? else {
            return Ok(None);
        };
        let length = file.metadata().map_or(0, |about| about.len());
        let length = usize::try_from(length)
            .unwrap_or(MAX_RECORD_BYTES)
            .min(MAX_RECORD_BYTES);
        // With room for one more it does not grow, so that no copy is left behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
        file.take(MAX_RECORD_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::io(&path, "be read", error))?;
        let record = Sealed::from_bytes(std::mem::take(&mut *bytes));
        check_length(&path, &record)?;
        Ok(Some(record))
    }

    fn save(&self, turn: &FileTurn, key: &StoreKey, value: &Sealed) -> Result<(), Failure> {
        let (path, new) = (self.record(key), self.new_record(key));
        check_length(&path, value)?;
        private_file::is_there(&path)?;
        turn.check(&self.lock(key))?;
        self.step("create");
        let file = private_file::create_new(&new)?;
        let written = self.write(&file, &new, value).and_then(|()| {
            turn.check(&self.lock(key))?;
            self.step("rename");
            fs::rename(&new, &path).map_err(|error| Failure::io(&path, "be replaced", error))
        });
        // Who took a lost turn over may have removed it, and written one of its own.
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
        let is_there = private_file::is_there(&path)?;
        turn.check(&self.lock(key))?;
        self.step("unlink");
        if is_there {
            fs::remove_file(&path).map_err(|error| Failure::io(&path, "be removed", error))?;
        }
        self.step("sync_folder");
        private_file::sync_folder(&self.folder)?;
        turn.leave_nothing(&self.lock(key));
        Ok(())
    }

    /// Of a process that ended while it wrote; whoever has the turn may.
    fn remove_stale(&self, key: &StoreKey) -> Result<(), Failure> {
        let new = self.new_record(key);
        if private_file::is_there(&new)? {
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
    #[allow(clippy::unused_self, reason = "only tests are told")]
    fn step(&self, _: &str) {}
}

fn check_length(path: &Path, record: &Sealed) -> Result<(), Failure> {
    if record.as_bytes().len() <= MAX_RECORD_BYTES {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::new(format!(
        "{path}: the record is longer than 1 MiB; if the file exists, this crate did not write it: remove it"
    )))
}

const MAX_RECORD_BYTES: usize = 1 << 20;

/// The pauses between two attempts to take a lock that another process holds.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
