//! Too many requests, as the sandbox counts them at either host.

use std::time::Duration;

use genesys_cloud_auth::{PlatformClient, TokenProvider, client::RetryPolicy, sandbox::Sandbox};

use crate::support::{kind_of, with_clock};

#[tokio::test]
async fn a_limit_of_the_token_endpoint_is_waited_out_and_ends() {
    for says in [false, true] {
        let sandbox = Sandbox::builder()
            .token_rate_limit(1, WINDOW)
            .token_rate_limit_sends_retry_after(says)
            .start()
            .await
            .unwrap();
        let (tokens, clock) = with_clock(&sandbox, sandbox.client_credentials());
        let first = tokens.token().await.unwrap();
        clock.advance(A_DAY);

        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), "RateLimited");
        assert_eq!(error.status().map(u16::from), Some(400));
        assert!(error.is_transient() && !error.needs_login(), "{error}");
        let pause = error.retry_after().unwrap();
        let half = Duration::from_millis(500);
        let (least, most) = if says {
            (LEAST, WINDOW + half)
        } else {
            (half * 4 / 5, half * 6 / 5)
        };
        assert!(least <= pause && pause <= most, "{says}: {pause:?}");
        if says {
            clock.advance(pause / 2);
            tokens.token().await.unwrap_err();
        }
        assert_eq!(sandbox.token_requests(), 2, "{says}");

        sandbox.advance(WINDOW);
        clock.advance(pause);
        let second = tokens.token().await.unwrap();
        assert_ne!(first.expose_secret(), second.expose_secret());
        assert_eq!(sandbox.token_requests(), 3, "{says}");
    }
}

#[tokio::test]
async fn a_limit_of_the_api_is_told_in_every_answer_and_typed_beyond_it() {
    let sandbox = Sandbox::builder()
        .api_rate_limit(2, WINDOW)
        .start()
        .await
        .unwrap();
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials());
    let api = PlatformClient::new(tokens.unwrap()).retry(RetryPolicy::never());
    for count in 1..=2 {
        let answer = api.get(ORGANIZATION).send().await.unwrap();
        let limit = answer.rate_limit().unwrap();
        assert_eq!((limit.count, limit.allowed), (count, 2));
    }
    let error = api.get(ORGANIZATION).send().await.unwrap_err();
    assert_eq!(kind_of(&error), "RateLimited");
    assert_eq!(error.status().map(u16::from), Some(429));
    assert!(error.is_transient() && !error.needs_login(), "{error}");
    let wait = error.retry_after().unwrap();
    assert!(LEAST <= wait && wait <= WINDOW);
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (1, 3));

    sandbox.advance(wait);
    let answer = api.get(ORGANIZATION).send().await.unwrap();
    assert_eq!(answer.rate_limit().unwrap().count, 1);
    assert_eq!((sandbox.token_requests(), sandbox.api_requests()), (1, 4));
}

const ORGANIZATION: &str = "/api/v2/organizations/me";
const WINDOW: Duration = Duration::from_secs(600);
/// What a slow machine leaves of it.
const LEAST: Duration = Duration::from_secs(590);
const A_DAY: Duration = Duration::from_secs(86_400);
