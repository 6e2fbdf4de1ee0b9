//! Too many requests, as the sandbox counts them at each host.

use std::time::Duration;

use genesys_cloud_auth::{client::RetryPolicy, sandbox::Sandbox};

use crate::support::{
    cloud::{Requests, client_of},
    kind_of, with_clock,
};

#[tokio::test]
async fn rate_limit_of_the_token_endpoint_is_waited_out() {
    for has_retry_after in [false, true] {
        let builder = Sandbox::builder().token_rate_limit(1, WINDOW);
        let builder = builder.token_rate_limit_sends_retry_after(has_retry_after);
        let sandbox = builder.start().await.unwrap();
        let (tokens, clock) = with_clock(&sandbox, sandbox.client_credentials());
        let first = tokens.token().await.unwrap();
        clock.advance(A_DAY);

        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), "RateLimited");
        assert_eq!(error.status().map(u16::from), Some(400));
        assert!(error.is_transient() && !error.needs_login(), "{error}");
        let pause = error.retry_after().unwrap();
        let half = Duration::from_millis(500);
        let allowed = if has_retry_after {
            MIN_LEFT..=WINDOW + half
        } else {
            half * 4 / 5..=half * 6 / 5
        };
        assert!(allowed.contains(&pause), "{has_retry_after}: {pause:?}");
        if has_retry_after {
            clock.advance(pause / 2);
            tokens.token().await.unwrap_err();
        }
        assert_eq!(sandbox.token_requests(), 2, "{has_retry_after}");

        sandbox.advance(WINDOW);
        clock.advance(pause);
        let second = tokens.token().await.unwrap();
        assert_ne!(first.expose_secret(), second.expose_secret());
        assert_eq!(sandbox.token_requests(), 3, "{has_retry_after}");
    }
}

#[tokio::test]
async fn rate_limit_of_the_api_is_in_responses_and_errors() {
    let builder = Sandbox::builder().api_rate_limit(2, WINDOW);
    let sandbox = builder.start().await.unwrap();
    let api = client_of(&sandbox);
    let call = || api.get(ORGANIZATION).retry(RetryPolicy::never()).send();
    for count in 1..=2 {
        let limit = call().await.unwrap().rate_limit().unwrap();
        assert_eq!(limit.count, count);
        assert_eq!(limit.allowed, 2);
    }
    let error = call().await.unwrap_err();
    assert_eq!(kind_of(&error), "RateLimited");
    assert_eq!(error.status().map(u16::from), Some(429));
    assert!(error.is_transient() && !error.needs_login(), "{error}");
    let wait = error.retry_after().unwrap();
    assert!((MIN_LEFT..=WINDOW).contains(&wait), "{wait:?}");
    assert_eq!(Requests::to(&sandbox), Requests { token: 1, api: 3 });

    sandbox.advance(wait);
    let response = call().await.unwrap();
    assert_eq!(response.rate_limit().unwrap().count, 1);
    assert_eq!(Requests::to(&sandbox), Requests { token: 1, api: 4 });
}

const ORGANIZATION: &str = "/api/v2/organizations/me";
const WINDOW: Duration = Duration::from_secs(600);

/// What is left of the window at least, on a slow machine.
const MIN_LEFT: Duration = Duration::from_secs(590);

const A_DAY: Duration = Duration::from_secs(86_400);
