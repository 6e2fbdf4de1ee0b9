//! What is asked of a store, and how the answer is told.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    error::StoreError,
    store::{Sealed, StoreKey, TokenStore},
};

pub(super) type Checked = Result<(), String>;

pub(super) async fn clause(name: &str, check: impl Future<Output = Checked>) -> Checked {
    let checked = timeout(LONGEST, check).await;
    let checked = checked.unwrap_or_else(|_| Err("it does not end".into()));
    checked.map_err(|what| format!("{name}: {what}"))
}

pub(super) async fn expect<S: TokenStore>(
    store: &S,
    key: &StoreKey,
    value: Option<&[u8]>,
) -> Checked {
    let loaded = store.load(key).await.map_err(told)?;
    let loaded = loaded.as_ref().map(Sealed::as_bytes);
    if loaded == value {
        return Ok(());
    }
    let shown = |value: Option<&[u8]>| match value {
        Some(value) if value.len() <= SHOWN => format!("\"{}\"", value.escape_ascii()),
        Some(value) => format!("{} bytes", value.len()),
        None => "nothing".to_owned(),
    };
    let (loaded, value) = (shown(loaded), shown(value));
    Err(format!("{loaded} was loaded instead of {value}"))
}

pub(super) async fn save<S: TokenStore>(store: &S, key: &StoreKey, value: &[u8]) -> Checked {
    let turn = free(store, key).await?;
    let value = Sealed::from_bytes(value.to_vec());
    store.save(turn, key, value).await.map_err(told)
}

pub(super) async fn remove<S: TokenStore>(store: &S, key: &StoreKey) -> Checked {
    let turn = free(store, key).await?;
    store.remove(turn, key).await.map_err(told)
}

/// A turn that nobody has, or has for long.
pub(super) async fn free<S: TokenStore>(store: &S, key: &StoreKey) -> Result<S::Turn, String> {
    store.take_turn(key, LONG).await.map_err(told)
}

pub(super) async fn taken<S: TokenStore>(store: &S, key: &StoreKey, who: &str) -> Checked {
    match store.take_turn(key, SHORT).await {
        Ok(_) => Err(format!("{who} was given the turn that another has")),
        Err(_) => Ok(()),
    }
}

pub(super) fn refused(changed: &Result<(), StoreError>) -> Checked {
    match changed {
        Ok(()) => Err("it was accepted, and somebody else has the turn".into()),
        Err(_) => Ok(()),
    }
}

/// One that no other run uses.
pub(super) fn key() -> Result<StoreKey, String> {
    let mut name = [0; 32];
    aws_lc_rs::rand::fill(&mut name).map_err(told)?;
    Ok(StoreKey::new(name))
}

pub(super) fn told(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A clause may wait twice for a turn.
const LONGEST: Duration = Duration::from_secs(90);
const SHOWN: usize = 64;

/// Long enough for a wrong response to arrive.
pub(super) const SHORT: Duration = Duration::from_millis(50);
/// Longer than a lease of 15 seconds, which may have to end before a dropped turn is free.
pub(super) const LONG: Duration = Duration::from_secs(40);
