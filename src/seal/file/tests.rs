use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::PathBuf,
};

use secrecy::ExposeSecret;
use tempfile::TempDir;

use crate::{
    error::{Error, ErrorKind},
    seal::SealingKey,
};

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    (folder, path)
}

fn bytes(key: &SealingKey) -> [u8; 32] {
    *key.secret_bytes().unwrap().expose_secret()
}

fn refused(path: &PathBuf, what: &str) {
    let error: Error = SealingKey::file(path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Configuration(_)));
    let told = error.to_string();
    assert!(told.contains(what), "{told}");
    assert!(told.contains(path.to_str().unwrap()), "{told}");
}

#[test]
fn a_key_is_made_at_first_use_and_stays() {
    let (_folder, path) = place();
    let path = path.join("below/key");
    let key = SealingKey::file(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes(&key));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(bytes(&SealingKey::file(&path).unwrap()), bytes(&key));
    // One that may be read only is as good.
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert_eq!(bytes(&SealingKey::file(&path).unwrap()), bytes(&key));
    let (_folder, other) = place();
    assert_ne!(bytes(&SealingKey::file(&other).unwrap()), bytes(&key));
}

/// Whose maker ended before it had written anything.
#[test]
fn an_empty_file_becomes_a_key() {
    let (_folder, path) = place();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let key = SealingKey::file(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes(&key));
}

#[test]
fn a_file_of_another_length_is_no_key_and_stays_as_it_is() {
    for length in [1, 31, 33, 64, 5_000] {
        let (_folder, path) = place();
        fs::write(&path, vec![b'x'; length]).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        refused(&path, "holds no sealing key");
        assert_eq!(fs::read(&path).unwrap(), vec![b'x'; length]);
    }
}

#[test]
fn what_others_reach_is_no_key() {
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644] {
        let (_folder, path) = place();
        SealingKey::file(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        refused(&path, "lets other users in");
    }
    let (folder, path) = place();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let error = SealingKey::file(&path).unwrap_err().to_string();
    assert!(error.contains("lets other users in"), "{error}");
    assert!(!path.exists());
}

#[test]
fn only_a_regular_file_is_a_key() {
    let (folder, path) = place();
    let target = folder.path().join("target");
    symlink(&target, &path).unwrap();
    refused(&path, "it is a link");
    assert!(!target.exists());
    SealingKey::file(&target).unwrap();
    refused(&path, "it is a link");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused(&path, "a folder");
    fs::remove_dir(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    refused(&path, "where a file was expected");
    refused(&target.join("below"), "cannot be");
}
