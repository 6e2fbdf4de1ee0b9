//! Time in the tests of an application: the sandbox's clock, the client's clock, and tokio's paused
//! clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use genesys_cloud_auth::{
    Clock, Grant, NewToken, PlatformClient, Region, TokenProvider, sandbox::Sandbox,
};
use tokio::time::sleep;

use super::{ORGANIZATION, start};

/// Real sockets need real time, so the test moves both clocks instead of waiting.
#[tokio::test]
async fn day_passes_for_server_and_client_without_waiting() {
    let sandbox = start(Sandbox::builder().token_lifetime(DAY)).await;
    let clock = Clock::manual();
    let tokens = TokenProvider::builder(sandbox.region(), sandbox.client_credentials())
        .clock(clock.clone())
        .build()
        .unwrap();
    let api = PlatformClient::new(tokens);
    for expected in [(1, 1), (2, 2), (3, 3)] {
        api.get(ORGANIZATION).send().await.unwrap();
        let requests = (sandbox.token_requests(), sandbox.api_requests());
        assert_eq!(requests, expected);
        sandbox.advance(DAY);
        clock.advance(DAY);
    }
    // If only the server's clock moves, the API rejects the token, and it is replaced.
    api.get(ORGANIZATION).send().await.unwrap();
    sandbox.advance(DAY);
    api.get(ORGANIZATION).send().await.unwrap();
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (5, 6));
    // If only the client's clock moves, the token is renewed although the API still accepts it.
    clock.advance(DAY);
    api.get(ORGANIZATION).send().await.unwrap();
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (6, 7));
}

/// Without a socket, tokio's paused clock drives the provider.
#[tokio::test(start_paused = true)]
async fn day_passes_in_paused_time_with_an_own_source_of_tokens() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let grant = Grant::from_fn("test", move || {
        let number = counter.fetch_add(1, SeqCst);
        async move {
            sleep(Duration::from_secs(2)).await;
            Ok(NewToken {
                secret: format!("token-{number}").into(),
                expires_in: Some(DAY),
            })
        }
    });
    let tokens = TokenProvider::builder(Region::EuWest1, grant)
        .clock(Clock::manual())
        .build()
        .unwrap();
    for number in 0..3 {
        let token = tokens.token().await.unwrap();
        assert_eq!(token.expose_secret(), format!("token-{number}"));
        sleep(DAY).await;
    }
    assert_eq!(requests.load(SeqCst), 3);
}

const DAY: Duration = Duration::from_secs(86_400);
