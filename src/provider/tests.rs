//! The provider with an endpoint in memory: paused time, in which a sleep takes none, and no socket.

mod endpoint;
mod events;
mod herd;
mod life;
#[cfg(feature = "login")]
mod login;
mod outage;
mod runtimes;
mod saml;
mod secrets;
mod stored;
mod warm;

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Poll, Waker},
};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::{
    storage::{Storage, StoreScope},
    *,
};
use crate::{error::ErrorKind, grant::IntoGrant, retry::Jitter};
use endpoint::{Endpoint, Say, credentials, seconds};

#[test]
fn handles_and_futures_are_send() {
    fn handle<T: Clone + Send + Sync + 'static>() {}
    fn send<T: Send>(future: &T) -> usize {
        size_of_val(future)
    }
    handle::<TokenProvider>();
    handle::<AccessToken>();
    let endpoint = Endpoint::new(|_| Say::Token(60));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let token = send(&tokens.token());
    let authorization = send(&tokens.authorization_header());
    // Nothing is allocated for a caller that waits; the callers' tasks hold this instead.
    assert!(token <= 640, "{token}");
    assert!(authorization <= 640, "{authorization}");
    println!("token() is a future of {token} bytes, authorization() of {authorization}");
    send(&tokens.ready(seconds(1.0)));
    send(&tokens.token_info());
    send(&tokens.revoke());
}

#[tokio::test(start_paused = true)]
async fn a_token_given_from_outside_is_served_until_refused() {
    let endpoint = Endpoint::new(|_| Say::Token(60));
    let clock = Clock::manual();
    let fixed = crate::grant::FixedToken::new("from-outside").unwrap();
    let tokens = endpoint.provider(clock.clone(), fixed);
    clock.advance(Duration::from_secs(400 * 86_400));
    let token = tokens.token().await.unwrap();
    assert_eq!(token.expose_secret(), "from-outside");
    assert_eq!(token.expires_in(), None);

    tokens.invalidate(&token);
    let error = tokens.token().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TokenExpired(_)),
        "{error:?}"
    );
    assert!(!error.needs_login() && !error.is_transient());
    assert_eq!(tokens.cached_token().map(drop), None);
    assert_eq!(endpoint.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn debug_shows_neither_token_nor_secret() {
    let endpoint = Endpoint::new(|_| Say::Token(60));
    let tokens = endpoint.provider(Clock::manual(), credentials());
    let token = tokens.token().await.unwrap();
    let shown = format!("{tokens:?}");
    assert!(
        !shown.contains(token.expose_secret()) && !shown.contains("secret-1"),
        "{shown}"
    );
}
