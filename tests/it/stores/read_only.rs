//! Files and folders that their owner can only read.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
};

use genesys_cloud_auth::store::SealingKey;

use super::{
    load,
    rejected::{OTHER_USER, StoredRecord, mode},
    runtime, save, store, with_sources,
};
use crate::support::{
    assert_contains,
    child_process::{command, job, messages_of, send_to_parent},
};

#[test]
fn folder_that_cannot_be_written_is_reported() {
    let test = "stores::read_only::folder_that_cannot_be_written_is_reported";
    if let Some(job) = job() {
        let store = store(Path::new(&job[0]));
        let read = runtime().block_on(load(&store)).unwrap();
        assert_eq!(read.unwrap(), b"old");
        let saved = runtime().block_on(save(&store, b"new"));
        send_to_parent(&with_sources(&saved.unwrap_err()));
        let below = super::store(&Path::new(&job[0]).join("below"));
        let saved = runtime().block_on(save(&below, b"new"));
        return send_to_parent(&with_sources(&saved.unwrap_err()));
    }
    let kept = runtime().block_on(StoredRecord::new());
    let folder = kept.folder.path();
    fs::remove_file(kept.path(".lock")).unwrap();
    let mut child = command(test, &[folder.to_str().unwrap()]);
    // Root can write everywhere, so the check runs as another user.
    if chown(folder, Some(OTHER_USER), None).is_ok() {
        chown(kept.path(""), Some(OTHER_USER), None).unwrap();
        child.uid(OTHER_USER);
    }
    fs::set_permissions(folder, Permissions::from_mode(0o500)).unwrap();
    let output = child.output().unwrap();
    fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    let said = messages_of(&output);
    assert_eq!(said.len(), 2, "{said:?}");
    for said in said {
        assert!(said.contains(folder.to_str().unwrap()), "{said}");
        assert_contains(&said, "allow the user of this process");
    }
}

/// A process prints the record that it finds, the result of its save, and the record after it.
#[test]
fn read_only_file_is_used_or_named() {
    let test = "stores::read_only::read_only_file_is_used_or_named";
    if let Some(job) = job() {
        let folder = Path::new(&job[0]);
        SealingKey::file(folder.join("key")).unwrap();
        return runtime().block_on(load_and_save(folder));
    }
    for (ending, after) in [("", "new"), (".new", "new"), (".lock", "old")] {
        let kept = runtime().block_on(StoredRecord::new());
        let (folder, path) = (kept.folder.path(), kept.path(ending));
        fs::write(folder.join("key"), *b"a key of 32 bytes, as it were: \xff").unwrap();
        fs::write(&path, fs::read(&path).unwrap_or_default()).unwrap();
        for file in fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            let is_closed = file == path || file.ends_with("key");
            let mode = if is_closed { 0o400 } else { 0o600 };
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            // Root can write everywhere, so the check runs as another user.
            let _ = chown(&file, Some(OTHER_USER), None);
        }
        let mut child = command(test, &[folder.to_str().unwrap()]);
        if chown(folder, Some(OTHER_USER), None).is_ok() {
            child.uid(OTHER_USER);
        }
        let said = messages_of(&child.output().unwrap());
        let [before, saved, found] = &said[..] else {
            panic!("{said:?}")
        };
        assert_eq!((&**before, &**found), ("old", after), "{ending}");
        if after == "new" {
            assert_eq!(saved, "saved");
            assert_eq!(mode(&kept.path("")), 0o600);
        } else {
            let cure = "allow the user of this process to read and write it";
            let named = saved.contains(path.to_str().unwrap());
            assert!(named && saved.contains(cure), "{saved}");
        }
    }
}

async fn load_and_save(folder: &Path) {
    let store = store(folder);
    let found = async || {
        let record = load(&store).await.unwrap().unwrap();
        send_to_parent(&String::from_utf8(record).unwrap());
    };
    found().await;
    match save(&store, b"new").await {
        Ok(()) => send_to_parent("saved"),
        Err(error) => send_to_parent(&with_sources(&error)),
    }
    found().await;
}
