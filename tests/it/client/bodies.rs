//! Reading the body and the headers of a response.

use bytes::Bytes;
use genesys_cloud_auth::client::{RateLimit, RetryPolicy};
use serde_json::Value;

use crate::support::{
    assert_contains,
    cloud::Cloud,
    kind_of, next_of,
    runtime::runtime,
    server::{End, Reply},
};

#[tokio::test]
async fn body_over_the_limit_is_an_error_however_it_is_sent() {
    let cloud = Cloud::start_with(|client| client.body_limit(1_000));
    let call = || cloud.client.get(PATH);
    for (response, fits) in [
        (announced("", 1_000), true),
        (chunked(1_000), true),
        (announced("", 1_001), false),
        (chunked(1_001), false),
    ] {
        cloud.api.answers([response]);
        let bytes = call().send().await.unwrap().bytes().await;
        let text = call().send().await.unwrap().text().await;
        let json = call().fetch::<Value>().await;
        assert_eq!(bytes.as_ref().ok().map(Bytes::len), fits.then_some(1_000));
        assert_eq!(text.is_ok(), fits);
        assert_eq!(json.is_ok(), fits);
        let errors = [bytes.err(), text.err(), json.err()];
        for error in errors.into_iter().flatten() {
            assert_eq!(kind_of(&error), "UnexpectedResponse", "{error}");
            assert_contains(&error, "1000 bytes");
        }
    }
}

#[tokio::test]
async fn announced_length_alone_allocates_nothing() {
    let never = RetryPolicy::never();
    let cloud = Cloud::start_with(|client| client.body_limit(usize::MAX).retry(never));
    let length = u64::MAX / 2;
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabc");
    cloud.api.answers([Reply::raw(response, End::Close)]);
    let response = cloud.client.get(PATH).send().await.unwrap();
    let error = response.bytes().await.unwrap_err();
    assert_eq!(kind_of(&error), "Transport Interrupted");
}

#[tokio::test]
async fn chunks_have_no_limit_and_end_after_an_error() {
    let cloud = Cloud::start_with(|client| client.body_limit(1_000));
    cloud.api.answers([chunked(500_000)]);
    let mut chunks = cloud.client.get(PATH).send().await.unwrap().chunks();
    let mut read = 0;
    while let Some(chunk) = next_of(&mut chunks).await {
        read += chunk.unwrap().len();
    }
    assert_eq!(read, 500_000);

    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc";
    cloud.api.answers([Reply::raw(cut, End::Close)]);
    let mut chunks = cloud.client.get(PATH).send().await.unwrap().chunks();
    assert_eq!(chunks.next().await.unwrap().unwrap(), "abc");
    let error = chunks.next().await.unwrap().unwrap_err();
    assert_eq!(kind_of(&error), "Transport Interrupted");
    assert!(chunks.next().await.is_none());

    // This one would fail for ever.
    let gzip = announced("Content-Encoding: gzip\r\n", 10);
    cloud.api.answers([gzip]);
    let mut chunks = cloud.client.get(PATH).send().await.unwrap().chunks();
    assert!(chunks.next().await.unwrap().is_err());
    assert!(chunks.next().await.is_none());
}

#[test]
fn error_of_ten_megabytes_costs_little_memory() {
    let cloud = Cloud::start_with(|client| client.retry(RetryPolicy::never()));
    let (api, runtime) = (&cloud.client, runtime());
    runtime.block_on(api.get(PATH).send()).unwrap();
    for head in ["", "Transfer-Encoding: chunked\r\n"] {
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
        let head = format!("HTTP/1.1 503 -\r\n{head}\r\n");
        let response = Reply::raw(head, End::Close).followed_by(chunk, BLOCKS);
        cloud.api.answers([response]);
        let memory = allocation_counter::measure(|| {
            let error = runtime.block_on(api.get(PATH).send()).unwrap_err();
            assert_eq!(error.status().unwrap(), 503);
        });
        assert!(memory.bytes_max < 2 << 20, "{memory:?}");
    }
}

#[tokio::test]
async fn rate_limit_is_read_if_all_three_headers_are_numbers() {
    let cloud = Cloud::start();
    for ([count, allowed, reset], expected) in [
        (["1", "180", "61"], Some((1, 180, 61))),
        ([" 0 ", "0", "0"], Some((0, 0, 0))),
        (["181", "180", MAX], Some((181, 180, 86_400))),
        (["", "180", "61"], None),
        (["1", "-1", "61"], None),
        (["1", "180", "61.5"], None),
        (["1", "180", "soon"], None),
        (["1", OVER_MAX, "61"], None),
        (["1, 2", "180", "61"], None),
    ] {
        let headers = format!(
            "ININ-RateLimit-Count: {count}\r\nInin-Ratelimit-Allowed: {allowed}\r\n\
             inin-ratelimit-reset: {reset}\r\n"
        );
        let limit = rate_limit(&cloud, &headers).await;
        let limit = limit.map(|limit| (limit.count, limit.allowed, limit.reset.as_secs()));
        assert_eq!(limit, expected, "{headers}");
    }
    let two_of_three = "inin-ratelimit-count: 1\r\ninin-ratelimit-allowed: 180\r\n";
    for headers in ["", two_of_three] {
        assert_eq!(rate_limit(&cloud, headers).await, None);
    }
}

async fn rate_limit(cloud: &Cloud, headers: &str) -> Option<RateLimit> {
    cloud.api.answers([Reply::of(200, headers, "{}")]);
    cloud.client.get(PATH).send().await.unwrap().rate_limit()
}

fn json_of(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

fn announced(headers: &str, bytes: usize) -> Reply {
    Reply::of(200, headers, json_of(bytes))
}

fn chunked(bytes: usize) -> Reply {
    let body = json_of(bytes);
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("{bytes:x}\r\n{body}\r\n0\r\n\r\n");
    Reply::raw(head.to_owned() + &chunk, End::Keep)
}

const PATH: &str = "/api/v2/users/me";
const MAX: &str = "18446744073709551615";
const OVER_MAX: &str = "18446744073709551616";

/// The number of blocks of 64 KiB in 10 MiB.
const BLOCKS: usize = 160;
