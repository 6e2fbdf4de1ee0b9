//! Stores that processes share, processes that are killed, and files in every bad state.

mod crash;
#[cfg(unix)]
mod lost;
#[cfg(unix)]
mod read_only;
#[cfg(unix)]
mod rejected;
mod search;
mod shared;
mod swapped;
#[cfg(unix)]
mod widened;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use genesys_cloud_auth::{
    error::StoreError,
    store::{FileStore, Sealed, StoreKey, TokenStore},
};

use crate::support::{runtime::runtime, with_sources};

fn key() -> StoreKey {
    StoreKey::for_tests("a key")
}

fn store(folder: &Path) -> FileStore {
    FileStore::in_folder(folder)
}

/// The path of the record's file with this ending.
fn path_in(folder: &Path, ending: &str) -> PathBuf {
    folder.join(format!("{}{ending}", key().as_str()))
}

/// Saves under a turn that is waited for.
async fn save(store: &FileStore, value: &[u8]) -> Result<(), StoreError> {
    let turn = store.take_turn(&key(), Duration::from_secs(120)).await?;
    let value = Sealed::from_bytes(value.to_vec());
    store.save(turn, &key(), value).await
}

async fn load(store: &FileStore) -> Result<Option<Vec<u8>>, StoreError> {
    let record = store.load(&key()).await?;
    Ok(record.map(|record| record.as_bytes().to_vec()))
}
