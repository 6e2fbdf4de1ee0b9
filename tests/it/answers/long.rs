//! Responses that are longer than the limits.

use genesys_cloud_auth::{FixedToken, PlatformClient, TokenProvider, client::RetryPolicy};

use super::{
    bad::{UNEXPECTED, bad},
    fails_once,
};
use crate::support::{
    TOKEN, good_token, kind_of, provider_at, provider_of, region_of,
    runtime::runtime,
    server::{End, Reply, Server},
};

#[tokio::test]
async fn token_response_of_many_megabytes_is_not_read() {
    let ok = "200 OK\r\nContent-Type: application/json\r\n";
    let open = r#"{"access_token":""#;
    let length = format!("Content-Length: {}\r\n", MANY * 0x1_0000 + 17);
    let whole = |headers: &str| {
        let head = format!("HTTP/1.1 {ok}{headers}\r\n{open}");
        Reply::raw(head, End::Close).followed_by("x".repeat(0x1_0000), MANY)
    };
    for (name, reply) in [
        ("announced", whole(&length)),
        ("up to the end of the connection", whole("")),
        ("in chunks", chunked(ok)),
        (
            "compressed",
            chunked(&format!("{ok}Content-Encoding: gzip\r\n")),
        ),
    ] {
        let case = bad(name, reply, UNEXPECTED, "HTTP 200");
        let server = Server::start(case.reply.clone());
        let (tokens, _clock) = provider_at(&server);
        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), UNEXPECTED, "{name}: {error}");
        let written = server.written(1).await;
        assert!(written < MAX_BUFFERED_BYTES, "{name}: {written} bytes");
        fails_once(&case).await;
    }
}

#[test]
fn five_megabytes_cost_little_memory() {
    let filler = "x".repeat(0x1_0000);
    let length = format!("Content-Length: {}\r\n", 80 * 0x1_0000);
    for headers in [&*length, ""] {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
        let reply = Reply::raw(head, End::Close).followed_by(filler.as_str(), 80);
        let server = Server::start(reply);
        let runtime = runtime();
        let memory = allocation_counter::measure(|| {
            let (tokens, _clock) = provider_at(&server);
            runtime.block_on(tokens.token()).unwrap_err();
        });
        // This includes an HTTP client with its certificates.
        assert!(memory.bytes_max < 3 << 20, "{memory:?}");
    }
}

#[tokio::test]
async fn api_response_above_the_limit_is_not_read() {
    let login = Server::start(good_token(TOKEN));
    for coding in ["", "Content-Encoding: gzip\r\n"] {
        let server = Server::start(chunked(&format!("200 OK\r\n{coding}")));
        let (tokens, _clock) = provider_of(region_of(&login, &server));
        let api = PlatformClient::builder(tokens.build().unwrap());
        let call = api.body_limit(1_000).build().get("/api/v2/users/me");
        let error = call.fetch::<serde_json::Value>().await.unwrap_err();
        assert_eq!(kind_of(&error), UNEXPECTED, "{error}");
        let written = server.written(1).await;
        assert!(written < MAX_BUFFERED_BYTES, "{written} bytes were read");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn long_error_is_typed_and_not_read() {
    for (status, at_login, at_api) in [
        (400, UNEXPECTED, "Api"),
        (401, UNEXPECTED, "Api"),
        (403, UNEXPECTED, "Api"),
        (429, "RateLimited", "RateLimited"),
        (500, UNEXPECTED, "Api"),
    ] {
        let start = format!("{status} -\r\nININ-Correlation-Id: abc-1\r\n");
        let server = Server::start(chunked(&start));
        let (tokens, _clock) = provider_at(&server);
        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), at_login);
        assert_eq!(error.status().unwrap(), status);

        let fixed = FixedToken::new(TOKEN).unwrap();
        let tokens = TokenProvider::new(region_of(&server, &server), fixed).unwrap();
        let call = PlatformClient::new(tokens).get("/api/v2/users/me");
        let call = call.retry(RetryPolicy::never());
        // With the caller's own token, so that a 401 does not invalidate the provider's.
        let call = call.header("Authorization", "Bearer own");
        let error = call.send().await.unwrap_err();
        assert_eq!(kind_of(&error), at_api);
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(error.correlation_id(), Some("abc-1"));
        let written = server.written(2).await;
        let most = 2 * MAX_BUFFERED_BYTES;
        assert!(written < most, "{status}: {written} bytes were read");
        assert_eq!(server.requests().len(), 2);
    }
}

/// A response in chunks, after its status and its first headers.
fn chunked(start: &str) -> Reply {
    let head = format!("HTTP/1.1 {start}Transfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    Reply::raw(head, End::Close).followed_by(chunk, MANY)
}

/// A number of blocks of 64 KiB that is more than the network's buffers hold.
const MANY: usize = 2_048;
const MAX_BUFFERED_BYTES: usize = 16 << 20;
