//! Bad responses of the token endpoint, and its tolerated ones.

mod bad;
mod errors;
mod fields;
mod lasting;
mod long;
mod words;

use std::time::{Duration, SystemTime};

use genesys_cloud_auth::Error;

use crate::support::{
    TOKEN, good_token, kind_of, provider_at,
    server::{Reply, Server},
};
use bad::{Bad, bad_responses};

#[tokio::test]
async fn bad_response_is_a_typed_error_and_loses_nothing() {
    for case in bad_responses() {
        fails_once(&case).await;
    }
}

/// A bad response costs one request, becomes one error and leaves nothing behind. The next valid response
/// is used.
async fn fails_once(case: &Bad) -> Error {
    let name = case.name;
    let server = Server::start(case.reply.clone());
    let (tokens, clock) = provider_at(&server);

    let error = tokens.token().await.expect_err(name);
    assert_eq!(server.requests().len(), 1, "{name}");
    assert_eq!(kind_of(&error), case.kind, "{name}: {error}");
    assert!(error.to_string().contains(case.says), "{name}: {error}");
    assert!(error.retry_after().is_some(), "{name}: no pause: {error}");
    tokens.token().await.expect_err("a bad response was cached");

    server.answers([good_token(TOKEN)]);
    clock.advance(LONGER_THAN_ANY_PAUSE);
    let token = tokens.token().await.expect(name);
    assert_eq!(token.expose_secret(), TOKEN, "{name}");
    error
}

#[tokio::test]
async fn pause_lasts_as_long_as_the_server_asks() {
    let second = Duration::from_secs(1);
    let (default, half) = ((second * 4 / 10, second * 6 / 10), second / 2);
    let most = second * 900;
    for (retry_after, (least, most)) in [
        (Some("7"), (second * 7, second * 7 + half)),
        // A date is compared with the wall clock, which goes on during the test.
        (Some(IN_A_MINUTE), (second * 40, second * 61)),
        (Some("Tue, 24 Nov 2026 11:00:00 GMT"), (half, half)),
        (Some("0"), (half, half)),
        (Some("1000000000"), (most, most)),
        (Some("99999999999999999999999999"), (most, most)),
        (Some("-5"), default),
        (Some("soon"), default),
        (Some(""), default),
        (None, default),
    ] {
        let header = retry_after.map_or(String::new(), |value| format!("Retry-After: {value}\r\n"));
        for (status, body, kind) in [
            (429, "{}", "RateLimited"),
            (503, "{}", "UnexpectedResponse"),
            (400, LIMITED, "RateLimited"),
        ] {
            let server = Server::start(Reply::of(status, &header, body));
            let (tokens, clock) = provider_at(&server);
            clock.set_wall(noon());
            let error = tokens.token().await.unwrap_err();
            assert_eq!(kind_of(&error), kind, "{status} {retry_after:?}");
            let pause = error.retry_after().unwrap();
            let case = format!("{status} {retry_after:?}: {pause:?}");
            assert!(least <= pause && pause <= most, "{case}");
            assert!(error.is_transient());

            if pause > second * 5 {
                clock.advance(pause / 2);
                let again = tokens.token().await.unwrap_err();
                assert!(again.retry_after().unwrap() + pause / 2 <= pause);
                assert_eq!(server.requests().len(), 1, "{retry_after:?}");
            }
            server.answers([good_token(TOKEN)]);
            clock.advance(pause);
            tokens.token().await.unwrap();
            assert_eq!(server.requests().len(), 2, "{status} {retry_after:?}");
        }
    }
}

#[tokio::test]
async fn token_is_accepted_in_every_allowed_form() {
    let longest = "x".repeat(8_192);
    for (token, rest) in [
        ("a", r#","token_type":"bearer""#),
        ("a", r#","token_type":"BEARER""#),
        ("a", r#","token_type":"Bearer""#),
        ("a", r#","token_type":null"#),
        ("a", ""),
        ("!~", ""),
        (longest.as_str(), ""),
        ("a", r#","error":"","error_description":"nothing""#),
        ("a", r#","error":"","unknown":[{}]"#),
        ("a", r#","error":null"#),
    ] {
        let server = issuing(token, rest);
        let (tokens, _clock) = provider_at(&server);
        let issued = tokens.token().await.expect(rest);
        assert_eq!(issued.expose_secret(), token, "{rest}");
        tokens.token().await.unwrap();
        assert_eq!(server.requests().len(), 1, "{rest}");
    }
}

#[tokio::test]
async fn expires_in_is_read_in_every_form_that_servers_send() {
    for (expires_in, expected) in [
        ("", 300),
        (r#","expires_in":null"#, 300),
        (r#","expires_in":true"#, 300),
        (r#","expires_in":"soon""#, 300),
        (r#","expires_in":[1]"#, 300),
        (r#","expires_in":3600"#, 3_600),
        (r#","expires_in":3600.5"#, 3_600),
        (r#","expires_in":"86400""#, 86_400),
        (r#","expires_in":1e12"#, 38_880_000),
        (r#","expires_in":1000000000000"#, 38_880_000),
    ] {
        let server = issuing("a", expires_in);
        let (tokens, clock) = provider_at(&server);
        tokens.token().await.expect(expires_in);
        // No renewal starts in the first half of a life.
        clock.advance(Duration::from_secs(expected / 2));
        tokens.token().await.unwrap();
        assert_eq!(server.requests().len(), 1, "{expires_in}: too early");
        clock.advance(Duration::from_secs(expected / 2 + 1));
        tokens.token().await.unwrap();
        assert_eq!(server.requests().len(), 2, "{expires_in}: too late");
    }
}

/// A token endpoint whose response contains this token and these fields.
fn issuing(token: &str, fields: &str) -> Server {
    let body = format!(r#"{{"access_token":"{token}"{fields}}}"#);
    Server::start(Reply::json(200, &body))
}

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_521_600)
}

/// The token endpoint's own words for its rate limit.
const LIMITED: &str =
    r#"{"error":"invalid_request","error_description":"rate limit exceeded;please slow down"}"#;
/// A minute after [`noon`].
const IN_A_MINUTE: &str = "Tue, 24 Nov 2026 12:01:00 GMT";
const LONGER_THAN_ANY_PAUSE: Duration = Duration::from_secs(20 * 60);
