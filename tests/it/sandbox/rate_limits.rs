//! The rate limits of both hosts.

use std::time::Duration;

use genesys_cloud_auth::sandbox::Sandbox;
use secrecy::ExposeSecret as _;

use super::{
    CLIENT_CREDENTIALS, ORGANIZATION, Response, TOKENS_ME, api_request, assert_get_fails, delete,
    form_headers, get, send, start, start_with_token, token, token_request, token_request_with,
    with_token,
};

const WINDOW: Duration = Duration::from_secs(600);

#[track_caller]
fn rate_limit_headers(response: &Response) -> [u64; 3] {
    ["count", "allowed", "reset"].map(|name| {
        let name = format!("inin-ratelimit-{name}");
        response.header(&name).unwrap().parse().unwrap()
    })
}

/// Asserts a 429 with the same wait in header and message, and returns the wait.
#[track_caller]
fn assert_rate_limited(response: &Response) -> u64 {
    let wait = response.header("retry-after").unwrap();
    let message = response.assert_api_error(429, "too.many.requests.retry.after");
    let expected = "Rate limit exceeded the maximum. Retry the request in";
    assert_eq!(message, format!("{expected} [{wait}] seconds"));
    wait.parse().unwrap()
}

#[tokio::test]
async fn calls_above_a_tokens_limit_need_the_next_window() {
    let sandbox = start(Sandbox::builder().api_rate_limit(2, WINDOW)).await;
    let (first, second) = (token(&sandbox).await, token(&sandbox).await);
    // The window starts with the first call.
    sandbox.advance(Duration::from_secs(300));
    for count in 1..=2 {
        let response = get(&sandbox, ORGANIZATION, &first).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("retry-after"), None);
        let [counted, allowed, reset] = rate_limit_headers(&response);
        assert_eq!((counted, allowed), (count, 2));
        assert!((590..=600).contains(&reset), "{reset}");
    }
    for _ in 0..2 {
        let response = get(&sandbox, TOKENS_ME, &first).await;
        let wait = assert_rate_limited(&response);
        assert_eq!(rate_limit_headers(&response), [2, 2, wait]);
        assert!((590..=600).contains(&wait), "{wait}");
    }
    // Another token has its own limit.
    assert_eq!(get(&sandbox, ORGANIZATION, &second).await.status, 200);

    sandbox.advance(Duration::from_secs(400));
    let wait = assert_rate_limited(&get(&sandbox, ORGANIZATION, &first).await);
    assert!((190..=200).contains(&wait), "{wait}");
    // Waiting for the announced time is enough.
    sandbox.advance(Duration::from_secs(wait));
    let response = get(&sandbox, ORGANIZATION, &first).await;
    let count = rate_limit_headers(&response)[0];
    assert_eq!((response.status, count), (200, 1));
}

#[tokio::test]
async fn call_above_the_limit_has_no_effect() {
    let builder = Sandbox::builder()
        .api_rate_limit(1, WINDOW)
        .idle_timeout(Some(Duration::from_secs(900)));
    let (sandbox, token) = with_token(builder).await;
    get(&sandbox, ORGANIZATION, &token).await;
    assert_rate_limited(&delete(&sandbox, TOKENS_ME, &token).await);
    sandbox.advance(Duration::from_secs(590));
    assert_rate_limited(&get(&sandbox, ORGANIZATION, &token).await);
    // The call above the limit has not reset the idle timer.
    sandbox.advance(Duration::from_secs(320));
    assert_get_fails(&sandbox, ORGANIZATION, &token, 401, "bad.credentials").await;
}

#[tokio::test]
async fn failed_calls_count_too() {
    let builder = Sandbox::builder().api_rate_limit(3, WINDOW);
    let (sandbox, token) = with_token(builder.permissions(Vec::<String>::new())).await;
    for (path, status) in [
        ("/api/v2/oauth/clients", 403),
        ("/api/v2/users?pageSize=0", 400),
        ("/api/v2/users/me", 400),
    ] {
        assert_eq!(get(&sandbox, path, &token).await.status, status);
    }
    assert_rate_limited(&get(&sandbox, ORGANIZATION, &token).await);
}

#[tokio::test]
async fn extreme_limits_work() {
    for (allowed, window, statuses) in [
        (0, WINDOW, [429, 429]),
        (0, Duration::ZERO, [429, 429]),
        (1, Duration::ZERO, [200, 200]),
        (1, Duration::MAX, [200, 429]),
        (u32::MAX, Duration::MAX, [200, 200]),
        (1, Duration::from_nanos(1), [200, 200]),
    ] {
        let (sandbox, token) = with_token(Sandbox::builder().api_rate_limit(allowed, window)).await;
        for status in statuses {
            let response = get(&sandbox, ORGANIZATION, &token).await;
            assert_eq!(response.status, status, "{allowed} in {window:?}");
        }
    }
}

#[tokio::test]
async fn default_limits_are_not_enforced() {
    let (sandbox, token) = start_with_token().await;
    let mut wire = super::Wire::connect(&sandbox).await;
    for count in 1..=310 {
        wire.send(api_request("GET", TOKENS_ME, &token)).await;
        let response = wire.response().await;
        let [counted, allowed, _] = rate_limit_headers(&response);
        assert_eq!((response.status, allowed), (200, 300));
        assert!(counted <= count);
        wire.send(token_request(&sandbox)).await;
        assert_eq!(wire.response().await.status, 200);
    }
}

#[tokio::test]
async fn token_requests_above_the_limit_get_an_oauth_error() {
    for sends_retry_after in [false, true] {
        let builder = Sandbox::builder().token_rate_limit(2, WINDOW);
        let builder = builder.token_rate_limit_sends_retry_after(sends_retry_after);
        let (sandbox, token) = with_token(builder).await;
        // A request with invalid credentials counts, too.
        let secret = sandbox.client_secret();
        let headers = form_headers(sandbox.client_id(), &secret.expose_secret()[1..]);
        let wrong = token_request_with(&headers, CLIENT_CREDENTIALS);
        send(&sandbox, &wrong).await.assert_invalid_client();
        for request in [token_request(&sandbox), wrong] {
            let response = send(&sandbox, request).await;
            let body = response.json();
            let description = body["error_description"].as_str().unwrap();
            let is_limit = description.starts_with("rate limit exceeded;");
            assert!(is_limit, "{description}");
            response.assert_oauth_error("invalid_request", description);
            let wait = response.header("retry-after");
            assert_eq!(wait.is_some(), sends_retry_after);
            if let Some(wait) = wait {
                assert!((590..=600).contains(&wait.parse().unwrap()), "{wait}");
            }
        }
        // The API has another limit, and the next window gives tokens again.
        assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 200);
        sandbox.advance(WINDOW);
        assert_eq!(send(&sandbox, token_request(&sandbox)).await.status, 200);
    }
}
