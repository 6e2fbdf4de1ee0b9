//! Tests of the provider with a token endpoint in memory: time is paused and no socket is used.

mod drops;
mod endpoint;
mod events;
mod herd;
mod life;
#[cfg(feature = "login")]
mod login;
mod outage;
mod runtimes;
mod saml;
mod script;
mod secrets;
mod slots;
mod stored;
mod support;
mod waits;
mod warm;

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::{
    storage::{Storage, StoreScope},
    *,
};
use crate::{error::ErrorKind, grant::IntoGrant};
use endpoint::{Endpoint, ProviderBuilder};
use script::{Reply, Script};
use support::{
    DEADLINE, HIGH, LOW, MIDDLE, Vault, accepted_before, after, assert_all_get, assert_kind,
    credentials, event_channel, failure, gated_provider, paused_runtime, provider, ready_output,
    runtime, seconds, slow_credentials, spawn_caller, spawn_callers, text, until_cached,
    until_renewed, until_waiting, waiters, yield_often,
};

#[test]
fn waiting_callers_need_at_most_640_bytes() {
    let (_, tokens) = provider(|_| Reply::Token(60));
    let token = size_of_val(&tokens.token());
    let header = size_of_val(&tokens.authorization_header());
    assert!(token <= 640, "{token}");
    assert!(header <= 640, "{header}");
}

#[tokio::test(start_paused = true)]
async fn debug_output_hides_token_and_secret() {
    let (_, tokens) = provider(|_| Reply::Token(60));
    let token = tokens.token().await.unwrap();
    let shown = format!("{tokens:?}");
    assert!(
        !shown.contains(token.expose_secret()) && !shown.contains("secret-1"),
        "{shown}"
    );
}
