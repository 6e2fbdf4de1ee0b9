//! One store for several processes.

use std::{collections::BTreeSet, fs, path::Path, sync::mpsc, time::Duration};

use genesys_cloud_auth::store::{
    FileStore, Sealed, SealingKey, StoreKey, TokenStore, store_conformance,
    store_conformance_with_lost_turns,
};
use secrecy::ExposeSecret as _;
use tokio::task::JoinHandle;

use super::{StoreError, key, load, path_in, runtime, save, store, with_sources};
use crate::support::{
    assert_contains,
    child_process::{ChildProcess, command, job, messages_of, send_to_parent, wait_for_parent},
    files::names,
};

const PROCESSES: usize = 20;
const TURNS: usize = 100;
#[cfg(unix)]
const STARTS: usize = 200;

#[tokio::test]
async fn file_store_passes_conformance() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || store(folder.path());
    store_conformance(open).await.unwrap();
    if cfg!(not(unix)) {
        return;
    }
    // On Unix the turn is lost when its lock file is removed.
    let lose = async |key: &StoreKey| {
        fs::remove_file(folder.path().join(format!("{}.lock", key.as_str()))).unwrap();
    };
    store_conformance_with_lost_turns(open, lose).await.unwrap();
}

#[test]
fn twenty_processes_lose_no_update() {
    let test = "stores::shared::twenty_processes_lose_no_update";
    if let Some(job) = job() {
        return runtime().block_on(add_one(Path::new(&job[0])));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert_eq!(messages_of_all(test, path), vec![vec!["done"]; PROCESSES]);
    let count = runtime().block_on(load(&store(folder.path())));
    let expected = (PROCESSES * TURNS).to_string();
    assert_eq!(count.unwrap().unwrap(), expected.as_bytes());
    let name = key().as_str().to_owned();
    assert_eq!(names(folder.path()), [name.clone(), format!("{name}.lock")]);
}

/// Starts all processes at once, and returns their messages.
fn messages_of_all(test: &str, path: &str) -> Vec<Vec<String>> {
    let start = |_| command(test, &[path]).spawn().unwrap();
    let children: Vec<_> = (0..PROCESSES).map(start).collect();
    let outputs = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap());
    outputs.map(|output| messages_of(&output)).collect()
}

async fn add_one(folder: &Path) {
    let store = store(folder);
    for _ in 0..TURNS {
        let turn = store.take_turn(&key(), Duration::from_secs(300)).await;
        let count = load(&store).await.unwrap().unwrap_or_else(|| b"0".to_vec());
        let count: usize = String::from_utf8(count).unwrap().parse().unwrap();
        let value = Sealed::from_bytes((count + 1).to_string().into());
        store.save(turn.unwrap(), &key(), value).await.unwrap();
    }
    send_to_parent("done");
}

#[test]
fn turn_kept_by_a_process_is_reported_and_freed_at_its_end() {
    let test = "stores::shared::turn_kept_by_a_process_is_reported_and_freed_at_its_end";
    let take = async |folder: &str, wait| {
        let store = store(Path::new(folder));
        store.take_turn(&key(), wait).await
    };
    if let Some(job) = job() {
        let turn = runtime().block_on(take(&job[0], Duration::ZERO)).unwrap();
        send_to_parent("taken");
        wait_for_parent();
        return drop(turn);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut child = ChildProcess::start(&mut command(test, &[path]));
    assert_eq!(child.next_message().as_deref(), Some("taken"));
    for wait in [Duration::ZERO, Duration::from_millis(200)] {
        let error = with_sources(&runtime().block_on(take(path, wait)).unwrap_err());
        let lock = path_in(folder.path(), ".lock");
        assert!(error.contains(lock.to_str().unwrap()), "{error}");
        assert_contains(&error, "another process has the turn");
    }
    drop(child);
    runtime().block_on(take(path, Duration::ZERO)).unwrap();
}

#[test]
fn processes_that_create_a_key_at_once_share_it() {
    let test = "stores::shared::processes_that_create_a_key_at_once_share_it";
    if let Some(job) = job() {
        let key = SealingKey::file(&job[0]).unwrap();
        let bytes = *key.secret_bytes().unwrap().expose_secret();
        return send_to_parent(&format!("{bytes:?}"));
    }
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let keys = messages_of_all(test, path.to_str().unwrap());
        let keys: BTreeSet<_> = keys.into_iter().collect();
        assert_eq!(keys.len(), 1, "{keys:?}");
        assert_eq!(names(folder.path()), ["key"]);
        assert_eq!(fs::read(path).unwrap().len(), 32);
    }
}

#[test]
fn default_folder_is_the_state_folder() {
    let test = "stores::shared::default_folder_is_the_state_folder";
    if job().is_some() {
        return send_to_parent(
            &FileStore::new().map_or_else(|error| error.to_string(), |store| format!("{store:?}")),
        );
    }
    let folder_with = |variables: &[(&str, &str)]| {
        let mut child = command(test, &[""]);
        child.env_remove("XDG_STATE_HOME").env("HOME", "/home/jo");
        child.env("LOCALAPPDATA", "C:\\Users\\jo\\AppData\\Local");
        let output = child.envs(variables.iter().copied()).output().unwrap();
        messages_of(&output).join("")
    };
    let usual = if cfg!(windows) {
        "FileStore(\"C:\\\\Users\\\\jo\\\\AppData\\\\Local\\\\genesys-cloud-auth\")"
    } else if cfg!(target_os = "macos") {
        "FileStore(\"/home/jo/Library/Application Support/genesys-cloud-auth\")"
    } else {
        "FileStore(\"/home/jo/.local/state/genesys-cloud-auth\")"
    };
    assert_eq!(folder_with(&[]), usual);
    assert_eq!(folder_with(&[("XDG_STATE_HOME", "relative")]), usual);
    if cfg!(all(unix, not(target_os = "macos"))) {
        let state = "FileStore(\"/var/state/genesys-cloud-auth\")";
        assert_eq!(folder_with(&[("XDG_STATE_HOME", "/var/state")]), state);
    }
    if cfg!(unix) {
        let nowhere = folder_with(&[("HOME", "not/absolute")]);
        assert_contains(&nowhere, "set HOME or XDG_STATE_HOME");
    }
}

/// A process that is being started has all files of its parent open until its program begins.
#[cfg(unix)]
#[tokio::test]
async fn dropped_turn_is_free_while_processes_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let starts = std::thread::spawn(|| {
        for _ in 0..STARTS {
            let mut command = std::process::Command::new("true");
            assert!(command.status().unwrap().success());
        }
    });
    while !starts.is_finished() {
        let turn = store.take_turn(&key(), Duration::ZERO).await;
        drop(turn.unwrap());
    }
    starts.join().unwrap();
}

/// The test's runtime has one thread: if it were blocked, the gate would never open.
#[tokio::test]
async fn slow_disk_does_not_block_the_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let (open, saving) = begin_slow_save(folder.path()).await;
    assert_eq!(load(&store(folder.path())).await.unwrap(), None);
    open.send(()).unwrap();
    saving.await.unwrap().unwrap();
    assert_eq!(load(&store(folder.path())).await.unwrap().unwrap(), b"a");
}

#[tokio::test]
async fn save_completes_after_its_caller_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (open, saving) = begin_slow_save(folder.path()).await;
    saving.abort();
    assert!(saving.await.unwrap_err().is_cancelled());
    let store = store(folder.path());
    // The turn is held until the record is saved.
    assert!(store.take_turn(&key(), Duration::ZERO).await.is_err());
    open.send(()).unwrap();
    let turn = store.take_turn(&key(), Duration::from_secs(60)).await;
    assert_eq!(load(&store).await.unwrap().unwrap(), b"a");
    drop(turn);
}

#[tokio::test]
async fn removed_record_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    for _ in 0..2 {
        save(&store, b"a").await.unwrap();
        let turn = store.take_turn(&key(), Duration::ZERO).await.unwrap();
        store.remove(turn, &key()).await.unwrap();
        assert_eq!(load(&store).await.unwrap(), None);
        // On other platforms the lock stays, because another process may wait for it.
        let left = usize::from(!cfg!(unix));
        assert_eq!(names(folder.path()).len(), left);
    }
}

/// Begins a save that writes nothing before the sender sends.
async fn begin_slow_save(folder: &Path) -> (mpsc::Sender<()>, JoinHandle<Result<(), StoreError>>) {
    let (open, gate) = mpsc::channel();
    let gate = std::sync::Mutex::new(gate);
    let slow = store(folder).before_step(move |step| {
        if step == "write" {
            gate.lock().unwrap().recv().unwrap();
        }
    });
    let saving = tokio::spawn(async move { save(&slow, b"a").await });
    let new = path_in(folder, ".new");
    let created = async {
        while !new.exists() {
            tokio::task::yield_now().await;
        }
    };
    let created = tokio::time::timeout(Duration::from_secs(60), created).await;
    created.expect("the save begins");
    (open, saving)
}
