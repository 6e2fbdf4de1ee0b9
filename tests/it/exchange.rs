//! What is sent with each request, and which responses are accepted, at both hosts alike.

use std::time::Duration;

use genesys_cloud_auth::{Error, FixedToken, PlatformClient, TokenProvider, client::RetryPolicy};
use http::Method;
use serde_json::Value;

use crate::support::{
    TOKEN, assert_contains, good_token, kind_of, payload, provider_at, region_of,
    server::{Reply, Server},
};

#[tokio::test]
async fn status_means_the_same_at_both_hosts() {
    for (status, success, redirection) in [
        (200, true, false),
        (201, true, false),
        (203, true, false),
        (299, true, false),
        (300, false, true),
        (302, false, true),
        (399, false, true),
        (101, false, false),
        (400, false, false),
        (499, false, false),
        (600, false, false),
        (666, false, false),
        (999, false, false),
    ] {
        let (token, call) = both(Reply::json(status, GOOD)).await;
        assert_eq!(token.is_ok(), success, "{status}: {token:?}");
        assert_eq!(call.is_ok(), success, "{status}: {call:?}");
        if let (Err(token), Err(call)) = (token, call) {
            assert_eq!(kind_of(&token), "UnexpectedResponse", "{status}: {token}");
            let kind = if redirection {
                "UnexpectedResponse"
            } else {
                "Api"
            };
            assert_eq!(kind_of(&call), kind, "{status}: {call}");
            for error in [token, call] {
                assert_eq!(error.status().map(u16::from), Some(status), "{error}");
                // An invalid status counts as 5xx (RFC 9110 15).
                assert_eq!(error.is_transient(), status >= 600, "{error}");
            }
        }
    }
}

#[tokio::test]
async fn status_of_an_error_fails_every_way_to_read_it() {
    for status in [101, 400, 600, 999] {
        let server = Server::start(Reply::json(status, "{}"));
        let api = client(&server);
        api.delete(PATH).fetch::<()>().await.unwrap_err();
        api.delete(PATH).send().await.unwrap_err();
        let mut pages = api.get(PATH).pages::<Value>();
        pages.next().await.unwrap().unwrap_err();
    }
}

#[tokio::test]
async fn head_that_is_too_large_is_named_and_not_repeated() {
    let lines = |count: usize| "X-Line: x\r\n".repeat(count);
    for (headers, fits) in [
        // One more line is the body's length.
        (lines(99), true),
        (lines(100), false),
        (lines(10_000), false),
        (format!("X-Line: {}\r\n", "x".repeat(600_000)), false),
    ] {
        let server = Server::start(Reply::of(200, &headers, GOOD));
        let (tokens, _clock) = provider_at(&server);
        let api = PlatformClient::new(fixed(&server));
        for result in [
            tokens.token().await.map(drop),
            api.get(PATH).fetch::<Value>().await.map(drop),
        ] {
            assert_eq!(result.is_ok(), fits, "{result:?}");
            if let Err(error) = result {
                assert_eq!(kind_of(&error), "Transport ResponseHead", "{error:?}");
                let address = server.address().to_string();
                let text = error.to_string();
                assert_contains(&text, "too large");
                assert_contains(&text, &address);
                assert!(!error.is_transient(), "{error}");
            }
        }
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn identity_is_the_only_accepted_coding() {
    for (headers, accepted) in [
        ("", true),
        ("Content-Encoding: identity\r\n", true),
        ("Content-Encoding: Identity, ,identity\r\n", true),
        ("Content-Encoding:\r\n", true),
        ("Content-Encoding: gzip\r\n", false),
        ("Content-Encoding: x-gzip\r\n", false),
        ("Content-Encoding: identity, gzip\r\n", false),
        ("Content-Encoding: identity,BR\r\n", false),
        (
            "Content-Encoding: identity\r\nContent-Encoding: zstd\r\n",
            false,
        ),
        ("Content-Encoding: \u{fc}\r\n", false),
    ] {
        let (token, call) = both(Reply::of(200, headers, GOOD)).await;
        for result in [token, call] {
            assert_eq!(result.is_ok(), accepted, "{headers}: {result:?}");
            if let Err(error) = result {
                assert!(error.to_string().contains("content coding"), "{error}");
            }
        }
    }
    let server = Server::start(good_token(TOKEN));
    let tokens = provider_at(&server).0;
    let api = PlatformClient::new(tokens.clone());
    api.get(PATH).send().await.unwrap();
    tokens.token_info().await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.header("accept-encoding"), Some("identity"));
    }
}

#[tokio::test]
async fn coding_within_chunks_is_not_accepted() {
    for (coding, accepted) in [("chunked", true), ("gzip, chunked", false)] {
        let head = format!("HTTP/1.1 200 -\r\nTransfer-Encoding: {coding}\r\n\r\n");
        let body = format!("{:x}\r\n{GOOD}\r\n0\r\n\r\n", GOOD.len());
        let reply = Reply::raw(head + &body, crate::support::server::End::Keep);
        let (token, call) = both(reply).await;
        assert_eq!(
            (token.is_ok(), call.is_ok()),
            (accepted, accepted),
            "{coding}"
        );
    }
}

#[tokio::test]
async fn empty_body_has_a_length_where_the_method_has_a_body() {
    let server = Server::start(Reply::json(200, "{}"));
    let api = client(&server);
    let none: &[(Method, Option<&str>)] = &[
        (Method::POST, Some("0")),
        (Method::PUT, Some("0")),
        (Method::PATCH, Some("0")),
        (Method::GET, None),
        (Method::HEAD, None),
        (Method::DELETE, None),
    ];
    for (method, length) in none {
        let call = || api.request(method.clone(), PATH);
        for call in [call(), call().body(""), call().repeatable()] {
            call.send().await.unwrap();
            let sent = server.requests().pop().unwrap();
            assert_eq!(sent.header("content-length"), *length, "{method}");
            assert!(sent.header("transfer-encoding").is_none(), "{method}");
        }
    }
    api.post(PATH).body("abc").send().await.unwrap();
    let sent = server.requests().pop().unwrap();
    assert_eq!(sent.header("content-length"), Some("3"));
}

#[tokio::test]
async fn headers_of_the_connection_are_configuration_errors() {
    let server = Server::start(Reply::json(200, "{}"));
    let api = client(&server);
    for name in [
        "Host",
        "HOST",
        "Content-Length",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "HTTP2-Settings",
        "Expect",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Accept-Encoding",
    ] {
        // A later error does not replace it.
        let call = api.post(PATH).header(name, "x").header("bad name", "x");
        let error = call.send().await.unwrap_err();
        assert_eq!(kind_of(&error), "Configuration", "{name}");
        let text = error.to_string();
        assert!(text.contains(&name.to_ascii_lowercase()), "{name}: {text}");
    }
    assert_eq!(server.connections(), 0);
    let call = api
        .post(PATH)
        .header("Accept", "text/csv")
        .header("X-Own", "1");
    call.send().await.unwrap();
    assert_eq!(server.requests()[0].header("accept"), Some("text/csv"));
}

#[tokio::test]
async fn methods_without_a_path_or_with_an_echo_are_not_sent() {
    let server = Server::start(Reply::json(200, "{}"));
    let api = client(&server);
    for name in ["CONNECT", "TRACE", "connect", "Trace"] {
        let method = Method::from_bytes(name.as_bytes()).unwrap();
        let error = api.request(method, PATH).send().await.unwrap_err();
        assert_eq!(kind_of(&error), "Configuration", "{name}");
    }
    assert_eq!(server.connections(), 0);
    api.request(Method::OPTIONS, PATH).send().await.unwrap();
}

#[tokio::test]
async fn foreign_waits_are_at_most_a_day() {
    let day = Duration::from_secs(86_400);
    for wait in [
        "86401",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        let headers = format!(
            "Retry-After: {wait}\r\ninin-ratelimit-count: 18446744073709551615\r\n\
             inin-ratelimit-allowed: 1\r\ninin-ratelimit-reset: 18446744073709551615\r\n"
        );
        let server = Server::start(Reply::of(429, &headers, "{}"));
        let error = PlatformClient::new(fixed(&server));
        let error = error.get(PATH).send().await.unwrap_err();
        assert_eq!(error.retry_after(), Some(day), "{wait}");
        let limited = payload!(error, RateLimited);
        assert_eq!(limited.retry_after(), Some(day), "{wait}");

        server.answers([Reply::of(200, &headers, "{}")]);
        let response = client(&server).get(PATH).send().await.unwrap();
        assert_eq!(response.rate_limit().unwrap().reset, day);
    }
}

/// Lets the reply serve as the response of the token endpoint, and of the API.
async fn both(reply: Reply) -> (Result<(), Error>, Result<(), Error>) {
    let server = Server::start(reply.clone());
    let token = provider_at(&server).0.token().await;
    let token = token.map(|token| assert_eq!(token.expose_secret(), TOKEN));
    let server = Server::start(reply);
    let call = client(&server).get(PATH).fetch::<Value>().await;
    (
        token,
        call.map(|body| assert_eq!(body["access_token"], TOKEN)),
    )
}

fn fixed(server: &Server) -> TokenProvider {
    let fixed = FixedToken::new(TOKEN).unwrap();
    TokenProvider::new(region_of(server, server), fixed).unwrap()
}

/// A client that sends each call once.
fn client(server: &Server) -> PlatformClient {
    let builder = PlatformClient::builder(fixed(server));
    builder.retry(RetryPolicy::never()).build()
}

const GOOD: &str = r#"{"access_token":"token-of-the-tests","token_type":"bearer"}"#;
const PATH: &str = "/api/v2/users/me";
