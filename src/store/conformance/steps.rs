//! The single steps of the conformance check.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    error::StoreError,
    store::{Sealed, StoreKey, TokenStore},
};

/// The result of a clause: the rule that the store breaks.
pub(super) type Checked = Result<(), String>;

pub(super) async fn run_clause(name: &str, check: impl Future<Output = Checked>) -> Checked {
    let checked = timeout(MAX_CLAUSE_TIME, check).await;
    let checked = checked.unwrap_or_else(|_| Err("it does not end".into()));
    checked.map_err(|what| format!("{name}: {what}"))
}

pub(super) async fn expect_loaded<S: TokenStore>(
    store: &S,
    key: &StoreKey,
    value: Option<&[u8]>,
) -> Checked {
    let loaded = store.load(key).await.map_err(describe)?;
    let loaded = loaded.as_ref().map(Sealed::as_bytes);
    if loaded == value {
        return Ok(());
    }
    let shown = |value: Option<&[u8]>| match value {
        Some(value) if value.len() <= MAX_SHOWN_BYTES => format!("\"{}\"", value.escape_ascii()),
        Some(value) => format!("{} bytes", value.len()),
        None => "nothing".to_owned(),
    };
    let (loaded, value) = (shown(loaded), shown(value));
    Err(format!("{loaded} was loaded instead of {value}"))
}

pub(super) async fn save<S: TokenStore>(store: &S, key: &StoreKey, value: &[u8]) -> Checked {
    let turn = take_turn(store, key).await?;
    let value = Sealed::from_bytes(value.to_vec());
    store.save(turn, key, value).await.map_err(describe)
}

pub(super) async fn remove<S: TokenStore>(store: &S, key: &StoreKey) -> Checked {
    let turn = take_turn(store, key).await?;
    store.remove(turn, key).await.map_err(describe)
}

/// Takes a turn that is free or will be.
pub(super) async fn take_turn<S: TokenStore>(store: &S, key: &StoreKey) -> Result<S::Turn, String> {
    store.take_turn(key, LONG_WAIT).await.map_err(describe)
}

pub(super) async fn expect_turn_held<S: TokenStore>(
    store: &S,
    key: &StoreKey,
    caller: &str,
) -> Checked {
    match store.take_turn(key, SHORT_WAIT).await {
        Ok(_) => Err(format!("{caller} got a turn that is held")),
        Err(_) => Ok(()),
    }
}

pub(super) fn expect_rejected(changed: &Result<(), StoreError>) -> Checked {
    match changed {
        Ok(()) => Err("it succeeded although another holder has the turn".into()),
        Err(_) => Ok(()),
    }
}

/// Returns a key that no other run uses.
pub(super) fn random_key() -> Result<StoreKey, String> {
    let mut name = [0; 32];
    aws_lc_rs::rand::fill(&mut name).map_err(describe)?;
    Ok(StoreKey::new(name))
}

pub(super) fn describe(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Long enough for a wrong result to show up.
pub(super) const SHORT_WAIT: Duration = Duration::from_millis(50);

/// Longer than a lease of 15 seconds, by which a dropped turn may end.
pub(super) const LONG_WAIT: Duration = Duration::from_secs(40);

/// A clause may wait twice for a turn.
const MAX_CLAUSE_TIME: Duration = Duration::from_secs(90);
const MAX_SHOWN_BYTES: usize = 64;
