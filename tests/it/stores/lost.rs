//! Turns that are lost because the locked file was removed.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use genesys_cloud_auth::store::{Sealed, TokenStore};

use super::{key, load, rejected::StoredRecord, save, store, with_sources};
use crate::support::{assert_contains, files::names};

const TASKS: usize = 8;
const REMOVALS: usize = 100;

#[tokio::test]
async fn lost_turn_writes_nothing() {
    let kept = StoredRecord::new().await;
    let steps = Arc::new(Mutex::new(Vec::new()));
    let taken = Arc::clone(&steps);
    let store = kept.store.clone().before_step(move |step| {
        taken.lock().unwrap().push(step.to_owned());
    });
    for removes in [false, true] {
        let turn = store.take_turn(&key(), Duration::ZERO).await.unwrap();
        fs::remove_file(kept.path(".lock")).unwrap();
        let other = store.take_turn(&key(), Duration::ZERO).await.unwrap();
        let late = Sealed::from_bytes(b"late".to_vec());
        let changed = if removes {
            store.remove(turn, &key()).await
        } else {
            store.save(turn, &key(), late).await
        };
        assert_contains(with_sources(&changed.unwrap_err()), "the turn was lost");
        drop(other);
        assert_eq!(load(&store).await.unwrap().unwrap(), b"old");
    }
    assert_eq!(*steps.lock().unwrap(), [""; 0]);
}

/// The turn is lost in the middle of a save, and its next holder saves too.
#[tokio::test]
async fn turn_lost_during_a_save_leaves_other_files_alone() {
    for taken_over in [false, true] {
        let kept = StoredRecord::new().await;
        let (lock, new) = (kept.path(".lock"), kept.path(".new"));
        let others = new.clone();
        let slow = kept.store.clone().before_step(move |step| {
            if step == "sync" {
                fs::remove_file(&lock).unwrap();
                if taken_over {
                    fs::remove_file(&others).unwrap();
                    fs::write(&others, "another's").unwrap();
                }
            }
        });
        let error = save(&slow, b"late").await.unwrap_err();
        assert_contains(with_sources(&error), "the turn was lost");
        assert_eq!(load(&slow).await.unwrap().unwrap(), b"old");
        assert_eq!(new.exists(), taken_over);
        if taken_over {
            assert_eq!(fs::read(new).unwrap(), b"another's");
        }
    }
}

/// A removal removes the lock's file, unless the file belongs to the next holder.
#[tokio::test]
async fn removal_leaves_the_lock_of_the_next_holder() {
    for lost in [false, true] {
        let kept = StoredRecord::new().await;
        let lock = kept.path(".lock");
        let others = lock.clone();
        let slow = kept.store.clone().before_step(move |step| {
            if lost && step == "sync_folder" {
                fs::remove_file(&others).unwrap();
                fs::write(&others, "").unwrap();
            }
        });
        let turn = slow.take_turn(&key(), Duration::ZERO).await.unwrap();
        slow.remove(turn, &key()).await.unwrap();
        assert_eq!(lock.exists(), lost);
    }
}

/// Removals delete the lock's file while others wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn turn_stays_exclusive_while_its_lock_file_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let holders = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (store, holders) = (store(folder.path()), Arc::clone(&holders));
            tokio::spawn(async move {
                for _ in 0..REMOVALS {
                    let turn = store.take_turn(&key(), Duration::from_secs(60)).await;
                    assert_eq!(holders.fetch_add(1, SeqCst), 0, "somebody has it already");
                    tokio::task::yield_now().await;
                    holders.fetch_sub(1, SeqCst);
                    store.remove(turn.unwrap(), &key()).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(names(folder.path()), [""; 0]);
}
