use std::{
    cell::Cell,
    fs::{self, Permissions, TryLockError},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::{MAX_LOCK_WAIT, folder, lock, read_or_create};
use crate::{
    error::{Error, ErrorKind},
    private_file,
    seal::{SealingKey, random},
};

fn key_path() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    (folder, path)
}

fn bytes(key: &SealingKey) -> [u8; 32] {
    *key.secret_bytes().unwrap().expose_secret()
}

fn assert_rejected(path: &PathBuf, what: &str) {
    let error: Error = SealingKey::file(path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Configuration(_)));
    let text = error.to_string();
    assert!(text.contains(what), "{text}");
    assert!(text.contains(path.to_str().unwrap()), "{text}");
}

#[test]
fn key_is_created_at_first_use_and_reused() {
    let (_folder, path) = key_path();
    let path = path.join("below/key");
    let key = SealingKey::file(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes(&key));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(bytes(&SealingKey::file(&path).unwrap()), bytes(&key));
    // A file that can only be read is enough.
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert_eq!(bytes(&SealingKey::file(&path).unwrap()), bytes(&key));
    let (_folder, other) = key_path();
    assert_ne!(bytes(&SealingKey::file(&other).unwrap()), bytes(&key));
}

/// Its creator ended before it wrote anything.
#[test]
fn empty_file_becomes_a_key() {
    let (_folder, path) = key_path();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let key = SealingKey::file(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes(&key));
}

#[test]
fn file_of_another_length_is_rejected_unchanged() {
    for length in [1, 31, 33, 64, 5_000] {
        let (_folder, path) = key_path();
        fs::write(&path, vec![b'x'; length]).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_rejected(&path, "is not a sealing key");
        assert_eq!(fs::read(&path).unwrap(), vec![b'x'; length]);
    }
}

#[test]
fn key_that_others_can_reach_is_rejected() {
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644] {
        let (_folder, path) = key_path();
        SealingKey::file(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_rejected(&path, "gives other users access");
    }
    let (folder, path) = key_path();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let error = SealingKey::file(&path).unwrap_err().to_string();
    assert!(error.contains("gives other users access"), "{error}");
    assert!(!path.exists());
}

#[test]
fn key_that_cannot_be_random_is_rejected_unchanged() {
    for key in [
        [0; 32],
        [0xff; 32],
        [7; 32],
        *b"correct horse battery staple ok\n",
        [b'a'; 32],
    ] {
        let (_folder, path) = key_path();
        fs::write(&path, key).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_rejected(&path, "is not a sealing key");
        assert_eq!(fs::read(&path).unwrap(), key);
    }
}

#[test]
fn byte_order_mark_before_a_key_is_skipped() {
    let (_folder, path) = key_path();
    let key = bytes(&SealingKey::generate().unwrap());
    fs::write(&path, [b"\xef\xbb\xbf", &key[..]].concat()).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(bytes(&SealingKey::file(&path).unwrap()), key);
}

/// Another program has locked the file: one that exists, and one that is being created.
#[test]
fn foreign_lock_ends_in_an_error_that_names_the_file() {
    let (_folder, path) = key_path();
    let (generated, wait) = (Cell::new(false), Duration::from_millis(20));
    let generate = |key: &mut [u8]| {
        generated.set(true);
        random(key)
    };
    let read = || read_or_create::<32>(&path, generate, wait);
    for content in [None, Some(())] {
        if content.is_some() {
            SealingKey::file(&path).unwrap();
        }
        let lock = private_file::open_or_create(&path).unwrap();
        lock.lock().unwrap();
        let error = read().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Configuration(_)));
        let text = error.to_string();
        assert!(
            text.contains(path.to_str().unwrap()) && text.contains("locked it"),
            "{text}"
        );
        assert!(!generated.get());
        drop(lock);
        fs::remove_file(&path).unwrap();
    }
    read().unwrap();
    assert!(generated.get());
}

#[test]
fn lock_that_is_given_up_in_time_is_taken() {
    let mut tries = 0;
    let try_lock = || {
        tries += 1;
        if tries < 3 {
            Err(TryLockError::WouldBlock)
        } else {
            Ok(())
        }
    };
    assert!(lock(try_lock, Path::new("key"), MAX_LOCK_WAIT).is_ok());
    assert_eq!(tries, 3);
}

#[test]
fn folder_of_a_bare_name_is_the_working_folder() {
    for (path, expected) in [
        ("key", "."),
        ("a/key", "a"),
        ("./key", "."),
        ("/key", "/"),
        ("/", "."),
    ] {
        assert_eq!(folder(Path::new(path)), Path::new(expected), "{path}");
    }
}

#[test]
fn only_a_regular_file_is_accepted() {
    let (folder, path) = key_path();
    let target = folder.path().join("target");
    symlink(&target, &path).unwrap();
    assert_rejected(&path, "it is a link");
    assert!(!target.exists());
    SealingKey::file(&target).unwrap();
    assert_rejected(&path, "it is a link");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_rejected(&path, "a folder");
    fs::remove_dir(&path).unwrap();
    let created = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(created.unwrap().success());
    assert_rejected(&path, "instead of a file");
    assert_rejected(&target.join("below"), "cannot be");
}
