//! Rate limits of both hosts.

use std::time::Duration;

use genesys_cloud_auth::sandbox::Sandbox;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{
    Answer, FORM, GRANT, ORGANIZATION, TOKEN, ask, basic, call, get, token, token_request,
    token_request_with,
};

const WINDOW: Duration = Duration::from_secs(600);

#[track_caller]
fn counted(answer: &Answer) -> [u64; 3] {
    ["count", "allowed", "reset"].map(|name| {
        let name = format!("inin-ratelimit-{name}");
        answer.header(&name).unwrap().parse().unwrap()
    })
}

/// 429, with the wait in the header and in the words.
#[track_caller]
fn limited(answer: &Answer) -> u64 {
    let wait = answer.header("retry-after").unwrap();
    assert_eq!(
        answer.refusal(429, "too.many.requests.retry.after"),
        format!("Rate limit exceeded the maximum. Retry the request in [{wait}] seconds")
    );
    wait.parse().unwrap()
}

#[tokio::test]
async fn calls_beyond_the_limit_of_a_token_wait_for_the_next_window() {
    let sandbox = Sandbox::builder()
        .api_rate_limit(2, WINDOW)
        .start()
        .await
        .unwrap();
    let (first, second) = (token(&sandbox).await, token(&sandbox).await);
    // The window begins with the first call, not with the token.
    sandbox.advance(Duration::from_secs(300));
    for count in 1..=2 {
        let answer = get(&sandbox, ORGANIZATION, &first).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("retry-after"), None);
        let [counted, allowed, reset] = counted(&answer);
        assert_eq!((counted, allowed), (count, 2));
        assert!((590..=600).contains(&reset), "{reset}");
    }
    for _ in 0..2 {
        let answer = get(&sandbox, TOKEN, &first).await;
        let wait = limited(&answer);
        assert_eq!(counted(&answer), [2, 2, wait]);
        assert!((590..=600).contains(&wait), "{wait}");
    }
    // Another token has a limit of its own.
    assert_eq!(get(&sandbox, ORGANIZATION, &second).await.status, 200);

    sandbox.advance(Duration::from_secs(400));
    let wait = limited(&get(&sandbox, ORGANIZATION, &first).await);
    assert!((190..=200).contains(&wait), "{wait}");
    // As long as was said is long enough.
    sandbox.advance(Duration::from_secs(wait));
    let answer = get(&sandbox, ORGANIZATION, &first).await;
    assert_eq!((answer.status, counted(&answer)[0]), (200, 1));
}

#[tokio::test]
async fn a_call_that_is_refused_does_nothing() {
    let sandbox = Sandbox::builder()
        .api_rate_limit(1, WINDOW)
        .idle_timeout(Some(Duration::from_secs(900)))
        .start()
        .await
        .unwrap();
    let token = token(&sandbox).await;
    get(&sandbox, ORGANIZATION, &token).await;
    limited(&ask(&sandbox, call("DELETE", TOKEN, &token)).await);
    sandbox.advance(Duration::from_secs(590));
    limited(&get(&sandbox, ORGANIZATION, &token).await);
    // The refused call has not kept the token from idling out.
    sandbox.advance(Duration::from_secs(320));
    get(&sandbox, ORGANIZATION, &token)
        .await
        .refusal(401, "bad.credentials");
}

#[tokio::test]
async fn calls_that_fail_count_too() {
    let sandbox = Sandbox::builder()
        .api_rate_limit(3, WINDOW)
        .permissions(Vec::<String>::new())
        .start()
        .await
        .unwrap();
    let token = token(&sandbox).await;
    for (path, status) in [
        ("/api/v2/oauth/clients", 403),
        ("/api/v2/users?pageSize=0", 400),
        ("/api/v2/users/me", 400),
    ] {
        assert_eq!(get(&sandbox, path, &token).await.status, status);
    }
    limited(&get(&sandbox, ORGANIZATION, &token).await);
}

#[tokio::test]
async fn a_limit_may_be_as_odd_as_one_likes() {
    for (allowed, window, statuses) in [
        (0, WINDOW, [429, 429]),
        (0, Duration::ZERO, [429, 429]),
        (1, Duration::ZERO, [200, 200]),
        (1, Duration::MAX, [200, 429]),
        (u32::MAX, Duration::MAX, [200, 200]),
        (1, Duration::from_nanos(1), [200, 200]),
    ] {
        let sandbox = Sandbox::builder()
            .api_rate_limit(allowed, window)
            .start()
            .await
            .unwrap();
        let token = token(&sandbox).await;
        for status in statuses {
            let answer = get(&sandbox, ORGANIZATION, &token).await;
            assert_eq!(answer.status, status, "{allowed} in {window:?}");
        }
    }
}

#[tokio::test]
async fn by_default_nothing_is_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox).await;
    let mut wire = super::Wire::connect(&sandbox).await;
    for count in 1..=310 {
        wire.send(call("GET", TOKEN, &token)).await;
        let answer = wire.answer().await;
        assert_eq!((answer.status, counted(&answer)[1]), (200, 300));
        assert!(counted(&answer)[0] <= count);
        wire.send(token_request(&sandbox)).await;
        assert_eq!(wire.answer().await.status, 200);
    }
}

#[tokio::test]
async fn token_requests_beyond_the_limit_are_refused_in_the_login_hosts_own_way() {
    for says_retry_after in [false, true] {
        let sandbox = Sandbox::builder()
            .token_rate_limit(2, WINDOW)
            .token_rate_limit_sends_retry_after(says_retry_after)
            .start()
            .await
            .unwrap();
        let token = token(&sandbox).await;
        // One with wrong credentials counts as well.
        let secret = sandbox.client_secret();
        let wrong = basic(sandbox.client_id(), &secret.expose_secret()[1..]);
        let wrong = token_request_with(&format!("Authorization: {wrong}\r\n{FORM}"), GRANT);
        assert_eq!(
            ask(&sandbox, &wrong).await.json()["error"],
            "invalid_client"
        );
        for request in [token_request(&sandbox), wrong] {
            let answer = ask(&sandbox, request).await;
            assert_eq!(answer.status, 400);
            let body = answer.json();
            let words = body["error_description"].as_str().unwrap();
            assert!(words.starts_with("rate limit exceeded;"), "{words}");
            let expected = json!({
                "error": "invalid_request", "description": words, "error_description": words,
            });
            assert_eq!(body, expected);
            let wait = answer.header("retry-after");
            assert_eq!(wait.is_some(), says_retry_after);
            if let Some(wait) = wait {
                assert!((590..=600).contains(&wait.parse().unwrap()), "{wait}");
            }
        }
        // The API goes on, and the next window gives tokens again.
        assert_eq!(get(&sandbox, ORGANIZATION, &token).await.status, 200);
        sandbox.advance(WINDOW);
        assert_eq!(ask(&sandbox, token_request(&sandbox)).await.status, 200);
    }
}
