//! What is read of an answer's body, and of its headers.

use std::time::Duration;

use genesys_cloud_auth::{ErrorKind, PlatformClient, client::RetryPolicy};
use serde_json::Value;

use crate::support::{
    TOKEN, good_token, kind_of, next_of, provider_of, region_of,
    server::{Decision, End, Server},
};

const LIMIT: usize = 1_000;
const PATH: &str = "/api/v2/users/me";

#[tokio::test]
async fn a_body_is_read_up_to_the_limit_announced_or_in_chunks() {
    let (_login, server, api) = start();
    let api = api.body_limit(LIMIT);
    for (bytes, fits) in [(LIMIT, true), (LIMIT + 1, false)] {
        for reply in [announced(200, "", bytes), chunked(200, bytes)] {
            server.answers([reply]);
            let call = || api.get(PATH);
            let read = call().send().await.unwrap().bytes().await;
            assert_eq!(
                read.as_ref().map(bytes::Bytes::len).ok(),
                fits.then_some(bytes)
            );
            let text = call().send().await.unwrap().text().await;
            assert_eq!(text.is_ok(), fits);
            let decoded = call().fetch::<Value>().await;
            assert_eq!(decoded.is_ok(), fits);
            for error in [read.err(), text.err(), decoded.err()]
                .into_iter()
                .flatten()
            {
                assert_eq!(kind_of(&error), "UnexpectedResponse", "{error}");
                assert!(error.to_string().contains("1000 bytes"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_length_that_nobody_has_room_for_is_only_announced() {
    let (_login, server, api) = start();
    let api = api.body_limit(usize::MAX).retry(RetryPolicy::never());
    let length = u64::MAX / 2;
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabc");
    server.answers([Decision::raw(answer, End::Close)]);
    let response = api.get(PATH).send().await.unwrap();
    let error = response.bytes().await.unwrap_err();
    assert_eq!(kind_of(&error), "Transport Interrupted");
}

#[tokio::test]
async fn chunks_are_a_stream_without_a_limit_and_end_after_an_error() {
    let (_login, server, api) = start();
    let api = api.body_limit(LIMIT);
    server.answers([chunked(200, 500_000)]);
    let mut chunks = api.get(PATH).send().await.unwrap().chunks();
    let mut read = 0;
    while let Some(chunk) = next_of(&mut chunks).await {
        read += chunk.unwrap().len();
    }
    assert_eq!(read, 500_000);

    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc";
    server.answers([Decision::raw(cut, End::Close)]);
    let mut chunks = api.get(PATH).send().await.unwrap().chunks();
    let (mut read, mut errors) = (0, Vec::new());
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => read += chunk.len(),
            Err(error) => errors.push(error),
        }
    }
    assert_eq!((read, errors.len()), (3, 1));
    assert_eq!(kind_of(&errors[0]), "Transport Interrupted");
    assert!(chunks.next().await.is_none());

    // One that would fail for ever.
    server.answers([announced(200, "Content-Encoding: gzip\r\n", 10)]);
    let mut chunks = api.get(PATH).send().await.unwrap().chunks();
    assert!(chunks.next().await.unwrap().is_err());
    assert!(chunks.next().await.is_none());
}

#[tokio::test]
async fn an_error_of_many_megabytes_keeps_status_and_correlation_id() {
    let (_login, server, api) = start();
    let api = api.retry(RetryPolicy::never());
    api.tokens().token().await.unwrap();
    for (answered, status) in [400, 403, 429, 503].into_iter().enumerate() {
        let open = r#"{"code":"x","message":""#;
        let id = "ININ-Correlation-Id: abc-1\r\n";
        let head = format!(
            "HTTP/1.1 {status} -\r\n{id}Content-Length: {}\r\n\r\n",
            MANY << 16
        );
        let reply = Decision::raw(head + open, End::Close).followed_by("x".repeat(1 << 16), MANY);
        server.answers([reply]);
        let error = api.get(PATH).send().await.unwrap_err();
        assert_eq!(error.status().map(u16::from), Some(status), "{error}");
        assert_eq!(error.correlation_id(), Some("abc-1"), "{error}");
        assert!(!matches!(error.kind(), ErrorKind::UnexpectedResponse(_)));
        assert!(error.to_string().len() < 1_000);
        let written = server.written(answered + 1).await;
        assert!(written < (answered + 1) << 22, "{written} bytes were taken");
    }
}

#[test]
fn an_error_of_ten_megabytes_costs_little_memory() {
    let (_login, server, api) = start();
    let api = api.retry(RetryPolicy::never());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(api.get(PATH).send()).unwrap();
    for head in ["", "Transfer-Encoding: chunked\r\n"] {
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
        let head = format!("HTTP/1.1 503 -\r\n{head}\r\n");
        server.answers([Decision::raw(head, End::Close).followed_by(chunk, MANY)]);
        let memory = allocation_counter::measure(|| {
            let error = runtime.block_on(api.get(PATH).send()).unwrap_err();
            assert_eq!(error.status().map(u16::from), Some(503));
        });
        assert!(memory.bytes_max < 2 << 20, "{memory:?}");
    }
}

#[tokio::test]
async fn the_rate_limit_is_there_where_all_of_it_can_be_read() {
    let (_login, server, api) = start();
    for (count, allowed, reset, expected) in [
        ("1", "180", "61", Some((1, 180, 61))),
        (" 0 ", "0", "0", Some((0, 0, 0))),
        (
            "181",
            "180",
            "18446744073709551615",
            Some((181, 180, u64::MAX)),
        ),
        ("", "180", "61", None),
        ("1", "-1", "61", None),
        ("1", "180", "61.5", None),
        ("1", "180", "soon", None),
        ("1", "18446744073709551616", "61", None),
        ("1, 2", "180", "61", None),
    ] {
        let headers = format!(
            "ININ-RateLimit-Count: {count}\r\nInin-Ratelimit-Allowed: {allowed}\r\n\
             inin-ratelimit-reset: {reset}\r\n"
        );
        server.answers([Decision::of(200, &headers, "{}")]);
        let limit = api.get(PATH).send().await.unwrap().rate_limit();
        let limit = limit.map(|limit| (limit.count, limit.allowed, limit.reset));
        let expected = expected.map(|(c, a, r)| (c, a, Duration::from_secs(r)));
        assert_eq!(limit, expected, "{headers}");
    }
    for headers in [
        "",
        "inin-ratelimit-count: 1\r\ninin-ratelimit-allowed: 180\r\n",
    ] {
        server.answers([Decision::of(200, headers, "{}")]);
        assert_eq!(api.get(PATH).send().await.unwrap().rate_limit(), None);
    }
}

/// `bytes` of JSON.
fn body(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

fn announced(status: u16, headers: &str, bytes: usize) -> Decision {
    Decision::of(status, headers, body(bytes))
}

fn chunked(status: u16, bytes: usize) -> Decision {
    let body = body(bytes);
    let head = format!("HTTP/1.1 {status} -\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("{bytes:x}\r\n{body}\r\n0\r\n\r\n");
    Decision::raw(head + &chunk, End::Keep)
}

fn start() -> (Server, Server, PlatformClient) {
    let login = Server::start(good_token(TOKEN));
    let server = Server::start(Decision::json(200, "{}"));
    let (builder, _clock) = provider_of(region_of(&login, &server));
    let api = PlatformClient::new(builder.build().unwrap());
    (login, server, api)
}

/// Blocks of 64 KiB.
const MANY: usize = 160;
