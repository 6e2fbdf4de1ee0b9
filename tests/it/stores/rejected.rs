//! Files and folders that are rejected.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use genesys_cloud_auth::{
    error::StoreError,
    store::{FileStore, Sealed, SealingKey, TokenStore},
};
use tempfile::TempDir;

use super::{key, load, path_in, runtime, save, store, with_sources};
use crate::support::{
    assert_contains,
    child_process::{command_after, job, messages_of, send_to_parent},
    files::names,
};

/// A user other than 65,534, as which containers run.
pub const OTHER_USER: u32 = 65_533;

/// A folder with a record in it.
pub struct StoredRecord {
    pub folder: TempDir,
    pub store: FileStore,
}

impl StoredRecord {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        save(&store, b"old").await.unwrap();
        Self { folder, store }
    }

    pub fn path(&self, ending: &str) -> PathBuf {
        path_in(self.folder.path(), ending)
    }

    /// Asserts that the record cannot be loaded, saved or removed; the error names the file and `what`.
    async fn assert_rejected(&self, path: &Path, what: &str) {
        let read = load(&self.store).await.map(drop);
        assert_names(&read.unwrap_err(), path, what);
        self.assert_not_written(path, what).await;
    }

    /// The same for the file with this ending. Only the record itself is loaded.
    async fn assert_rejected_at(&self, ending: &str, what: &str) {
        let path = self.path(ending);
        match ending {
            "" => self.assert_rejected(&path, what).await,
            _ => self.assert_not_written(&path, what).await,
        }
    }

    async fn assert_not_written(&self, path: &Path, what: &str) {
        let saved = save(&self.store, b"new").await;
        assert_names(&saved.unwrap_err(), path, what);
        let turn = self.store.take_turn(&key(), Duration::ZERO).await;
        let removed = match turn {
            Ok(turn) => self.store.remove(turn, &key()).await,
            Err(error) => Err(error),
        };
        assert_names(&removed.unwrap_err(), path, what);
    }
}

fn assert_names(error: &StoreError, path: &Path, what: &str) {
    let text = with_sources(error);
    let path = path.to_str().unwrap();
    assert!(text.contains(path) && text.contains(what), "{text}");
}

#[tokio::test]
async fn links_are_not_followed() {
    for ending in ["", ".new", ".lock"] {
        for there in [true, false] {
            let kept = StoredRecord::new().await;
            let elsewhere = tempfile::tempdir().unwrap();
            let target = elsewhere.path().join("target");
            if there {
                fs::write(&target, "precious").unwrap();
                fs::set_permissions(&target, Permissions::from_mode(0o600)).unwrap();
            }
            let link = kept.path(ending);
            let _ = fs::remove_file(&link);
            symlink(&target, &link).unwrap();
            kept.assert_rejected_at(ending, "it is a link").await;
            if !ending.is_empty() {
                assert_eq!(load(&kept.store).await.unwrap().unwrap(), b"old");
            }
            assert!(link.is_symlink());
            assert_eq!(target.exists(), there);
            if there {
                assert_eq!(fs::read(&target).unwrap(), b"precious");
                assert_eq!(mode(&target), 0o600);
            }
        }
    }
}

/// The link is created after the turn was taken.
#[tokio::test]
async fn link_created_after_the_turn_is_not_followed() {
    for ending in ["", ".new"] {
        let kept = StoredRecord::new().await;
        let turn = kept.store.take_turn(&key(), Duration::ZERO).await.unwrap();
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        let link = kept.path(ending);
        let _ = fs::remove_file(&link);
        symlink(elsewhere.path(), &link).unwrap();
        let value = Sealed::from_bytes(b"new".to_vec());
        let saved = kept.store.save(turn, &key(), value).await;
        assert_names(&saved.unwrap_err(), &link, "remove it");
        assert_eq!(fs::read(elsewhere.path()).unwrap(), b"");
    }
}

#[tokio::test]
async fn only_a_regular_file_is_a_record() {
    let kept = StoredRecord::new().await;
    let record = kept.path("");
    fs::remove_file(&record).unwrap();
    fs::create_dir(&record).unwrap();
    kept.assert_rejected(&record, "instead of a file").await;
    fs::remove_dir(&record).unwrap();
    let made = Command::new("mkfifo").arg(&record).status();
    assert!(made.unwrap().success());
    kept.assert_rejected(&record, "instead of a file").await;
    fs::remove_file(&record).unwrap();
    save(&kept.store, b"new").await.unwrap();
}

#[tokio::test]
async fn file_that_others_can_access_is_rejected() {
    for ending in ["", ".lock"] {
        for bad in [0o644, 0o620, 0o602, 0o660] {
            let kept = StoredRecord::new().await;
            let path = kept.path(ending);
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(bad)).unwrap();
            let what = format!("its mode {bad:o} gives other users access");
            kept.assert_rejected_at(ending, &what).await;
        }
    }
    for bad in [0o770, 0o707, 0o1777, 0o2772] {
        let kept = StoredRecord::new().await;
        let folder = kept.folder.path();
        fs::set_permissions(folder, Permissions::from_mode(bad)).unwrap();
        let what = "gives other users access";
        kept.assert_rejected(folder, what).await;
    }
}

#[tokio::test]
async fn file_of_another_user_is_rejected() {
    // Root can give files away; any other user finds files of root.
    let kept = StoredRecord::new().await;
    let what = "it belongs to another user";
    if chown(kept.path(""), Some(OTHER_USER), None).is_ok() {
        kept.assert_rejected(&kept.path(""), what).await;
        let folder = kept.folder.path();
        chown(folder, Some(OTHER_USER), None).unwrap();
        kept.assert_rejected(folder, what).await;
    } else {
        let error = load(&store(Path::new("/etc"))).await.unwrap_err();
        assert_contains(with_sources(&error), what);
    }
}

#[tokio::test]
async fn file_in_place_of_the_folder_is_rejected() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = store(file.path());
    let error = with_sources(&load(&store).await.unwrap_err());
    assert_contains(&error, "it is not a folder");
    let error = with_sources(&save(&store, b"new").await.unwrap_err());
    assert!(error.contains(file.path().to_str().unwrap()), "{error}");
}

/// Whether it opens is decided by the key.
#[tokio::test]
async fn damaged_or_foreign_record_is_returned_unchanged() {
    let kept = StoredRecord::new().await;
    for content in [
        &b""[..],
        b"\0",
        b"ol",
        b"{\"access_token\":1}",
        &vec![0xff; 1 << 20],
    ] {
        fs::write(kept.path(""), content).unwrap();
        assert_eq!(load(&kept.store).await.unwrap().unwrap(), content);
    }
    fs::write(kept.path(""), vec![b'x'; (1 << 20) + 1]).unwrap();
    let read = load(&kept.store).await.map(drop);
    let saved = save(&kept.store, &vec![b'x'; (1 << 20) + 1]).await;
    for error in [read.unwrap_err(), saved.unwrap_err()] {
        assert_names(&error, &kept.path(""), "longer than 1 MiB");
    }
    save(&kept.store, b"new").await.unwrap();
    assert_eq!(load(&kept.store).await.unwrap().unwrap(), b"new");
}

#[test]
fn files_are_private_from_creation_with_any_umask() {
    let test = "stores::rejected::files_are_private_from_creation_with_any_umask";
    if let Some(job) = job() {
        let abort = job[1] == "abort";
        let store = store(Path::new(&job[0])).before_step(move |step| {
            if abort && step == "write" {
                std::process::abort();
            }
        });
        SealingKey::file(Path::new(&job[0]).with_file_name("key")).unwrap();
        return runtime().block_on(async { save(&store, b"new").await.unwrap() });
    }
    for (end, files) in [("abort", [".lock", ".new"]), ("save", ["", ".lock"])] {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("made/tokens");
        let job = [folder.to_str().unwrap(), end];
        let mut child = command_after("umask 000", test, &job);
        assert_eq!(child.output().unwrap().status.success(), end == "save");
        let expected = files.map(|ending| format!("{}{ending}", key().as_str()));
        assert_eq!(names(&folder), expected);
        for file in names(&folder) {
            assert_eq!(mode(&folder.join(&file)), 0o600, "{file}");
        }
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(folder.parent().unwrap()), 0o700);
        assert_eq!(mode(&folder.with_file_name("key")), 0o600);
    }
}

/// A limit on the size of a file replaces the full disk: it too stops a write in the middle.
#[test]
fn full_disk_keeps_the_old_record() {
    let test = "stores::rejected::full_disk_keeps_the_old_record";
    if let Some(job) = job() {
        let saved = runtime().block_on(save(&store(Path::new(&job[0])), &[b'x'; 5_000]));
        return send_to_parent(&with_sources(&saved.unwrap_err()));
    }
    let kept = runtime().block_on(StoredRecord::new());
    let job = [kept.folder.path().to_str().unwrap()];
    let mut child = command_after("trap '' XFSZ; ulimit -f 1", test, &job);
    let said = messages_of(&child.output().unwrap()).join("");
    assert!(said.contains(kept.path(".new").to_str().unwrap()), "{said}");
    assert_contains(&said, "free space");
    assert!(!kept.path(".new").exists());
    let record = runtime().block_on(load(&kept.store)).unwrap().unwrap();
    assert_eq!(record, b"old");
}

pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}
