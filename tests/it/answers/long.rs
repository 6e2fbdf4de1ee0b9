//! Responses that are longer than the limits.

use genesys_cloud_auth::{FixedToken, PlatformClient, TokenProvider, client::RetryPolicy};

use super::{
    bad::{UNEXPECTED, bad},
    fails_once,
};
use crate::support::{
    TOKEN, good_token, kind_of, provider_at, provider_of, region_of,
    server::{End, Reply, Server},
};

#[tokio::test]
async fn token_response_of_many_megabytes_is_not_read() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let open = r#"{"access_token":""#;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    let filler = "x".repeat(0x1_0000);
    for (name, head, filler) in [
        (
            "announced",
            format!("{ok}Content-Length: {}\r\n\r\n{open}", MANY * 0x1_0000 + 17),
            &filler,
        ),
        (
            "up to the end of the connection",
            format!("{ok}\r\n{open}"),
            &filler,
        ),
        (
            "in chunks",
            format!("{ok}Transfer-Encoding: chunked\r\n\r\n"),
            &chunk,
        ),
        (
            "compressed, in chunks",
            format!("{ok}Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
            &chunk,
        ),
    ] {
        let reply = Reply::raw(head, End::Close).followed_by(filler.as_str(), MANY);
        let case = bad(name, reply, UNEXPECTED, "HTTP 200");
        let server = Server::start(case.reply.clone());
        let (tokens, _clock) = provider_at(&server);
        let error = tokens.token().await.unwrap_err();
        assert_eq!(kind_of(&error), UNEXPECTED, "{name}: {error}");
        let written = server.written(1).await;
        assert!(
            written < MAX_BUFFERED_BYTES,
            "{name}: {written} bytes were read"
        );
        fails_once(&case).await;
    }
}

#[test]
fn five_megabytes_cost_little_memory() {
    let filler = "x".repeat(0x1_0000);
    for head in [
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            80 * 0x1_0000
        ),
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
    ] {
        let reply = Reply::raw(head, End::Close).followed_by(filler.as_str(), 80);
        let server = Server::start(reply);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
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
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    for (coding, kind) in [("", UNEXPECTED), ("Content-Encoding: gzip\r\n", UNEXPECTED)] {
        let head = format!("HTTP/1.1 200 OK\r\n{coding}Transfer-Encoding: chunked\r\n\r\n");
        let server = Server::start(Reply::raw(head, End::Close).followed_by(chunk.as_str(), MANY));
        let (tokens, _clock) = provider_of(region_of(&login, &server));
        let api = PlatformClient::builder(tokens.build().unwrap())
            .body_limit(1_000)
            .build();
        let call = api.get("/api/v2/users/me");
        let error = call.fetch::<serde_json::Value>().await.unwrap_err();
        assert_eq!(kind_of(&error), kind, "{error}");
        let written = server.written(1).await;
        assert!(written < MAX_BUFFERED_BYTES, "{written} bytes were read");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn long_error_is_typed_and_not_read() {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    for (status, at_login, at_api) in [
        (400, UNEXPECTED, "Api"),
        (401, UNEXPECTED, "Api"),
        (403, UNEXPECTED, "Api"),
        (429, "RateLimited", "RateLimited"),
        (500, UNEXPECTED, "Api"),
    ] {
        let head = format!("HTTP/1.1 {status} -\r\nTransfer-Encoding: chunked\r\n\r\n");
        let server = Server::start(Reply::raw(head, End::Close).followed_by(chunk.as_str(), MANY));
        let (tokens, _clock) = provider_at(&server);
        let error = tokens.token().await.unwrap_err();
        assert_eq!(
            (kind_of(&error).as_str(), error.status().map(u16::from)),
            (at_login, Some(status))
        );

        let fixed = FixedToken::new(TOKEN).unwrap();
        let tokens = TokenProvider::new(region_of(&server, &server), fixed).unwrap();
        let call = PlatformClient::new(tokens).get("/api/v2/users/me");
        let call = call.retry(RetryPolicy::never());
        // With the caller's own token, so that a 401 does not invalidate the provider's.
        let call = call.header("Authorization", "Bearer own");
        let error = call.send().await.unwrap_err();
        assert_eq!(
            (kind_of(&error).as_str(), error.status().map(u16::from)),
            (at_api, Some(status))
        );
        let written = server.written(2).await;
        assert!(
            written < 2 * MAX_BUFFERED_BYTES,
            "{status}: {written} bytes were read"
        );
        assert_eq!(server.requests().len(), 2);
    }
}

/// A number of blocks of 64 KiB that is more than the network's buffers hold.
const MANY: usize = 2_048;
const MAX_BUFFERED_BYTES: usize = 16 << 20;
