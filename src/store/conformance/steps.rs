//! The single steps of the conformance check.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    error::StoreError,
    store::{Sealed, StoreKey, TokenStore},
};

/// The result of a clause: what the store did instead.
pub(super) type Checked = Result<(), String>;

/// Runs the check of one rule, whose name is in the error.
pub(super) async fn run_clause(rule: &str, check: impl Future<Output = Checked>) -> Checked {
    let checked = timeout(MAX_CLAUSE_TIME, check).await;
    let checked = checked.unwrap_or_else(|_| Err("a call of the store does not end".into()));
    checked.map_err(|what| format!("{rule}: {what}"))
}

pub(super) async fn expect_loaded<S: TokenStore>(
    store: &S,
    key: &StoreKey,
    value: Option<&[u8]>,
) -> Checked {
    let loaded = store.load(key).await.map_err(failed("load"))?;
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
    Err(format!("load returned {loaded} instead of {value}"))
}

pub(super) async fn save<S: TokenStore>(store: &S, key: &StoreKey, value: &[u8]) -> Checked {
    let turn = take_turn(store, key).await?;
    let value = Sealed::from_bytes(value.to_vec());
    store.save(turn, key, value).await.map_err(failed("save"))
}

pub(super) async fn remove<S: TokenStore>(store: &S, key: &StoreKey) -> Checked {
    let turn = take_turn(store, key).await?;
    store.remove(turn, key).await.map_err(failed("remove"))
}

/// Takes a turn that is free or will be, at the latest by the end of a lease.
pub(super) async fn take_turn<S: TokenStore>(store: &S, key: &StoreKey) -> Result<S::Turn, String> {
    let turn = store.take_turn(key, LONG_WAIT).await;
    turn.map_err(failed("take_turn, with a wait of 40 s,"))
}

pub(super) async fn expect_turn_held<S: TokenStore>(
    store: &S,
    key: &StoreKey,
    caller: &str,
    wait: Duration,
) -> Checked {
    match store.take_turn(key, wait).await {
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

/// Names the call that failed.
pub(super) fn failed<E: std::error::Error>(call: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{call} failed: {}", describe(error))
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

/// Within this time a late drop shows up.
pub(super) const DROP_WAIT: Duration = Duration::from_secs(1);

/// Longer than a lease of 15 seconds that is not renewed.
pub(super) const MORE_THAN_A_LEASE: Duration = Duration::from_secs(16);

/// How much longer than asked for a call may wait.
pub(super) const MAX_OVERTIME: Duration = Duration::from_secs(10);

/// Longer than a lease of 15 seconds, by which a dropped turn may end.
pub(super) const LONG_WAIT: Duration = Duration::from_secs(40);

/// A clause may wait twice for a turn.
const MAX_CLAUSE_TIME: Duration = Duration::from_secs(90);
const MAX_SHOWN_BYTES: usize = 64;
