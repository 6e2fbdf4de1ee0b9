//! Streamed bodies.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use genesys_cloud_auth::{Error, PlatformClient, Region};

use crate::support::{
    TOKEN,
    cloud::{Cloud, Requests, quick},
    good_token, kind_of, provider_of,
    server::{Closed, End, Reply, Server},
};

/// Yields its chunks, and may fail after the last one.
pub struct Chunks {
    chunks: VecDeque<Bytes>,
    end: Option<Failure>,
}

enum Failure {
    Error,
    Panic,
}

impl Chunks {
    pub fn new<const N: usize>(chunks: [&'static str; N]) -> Self {
        let chunks = chunks.map(|chunk| Bytes::from_static(chunk.as_bytes()));
        Self {
            chunks: chunks.into(),
            end: None,
        }
    }

    fn then(self, end: Failure) -> Self {
        Self {
            end: Some(end),
            ..self
        }
    }
}

impl Stream for Chunks {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = self.chunks.pop_front().map(Ok);
        Poll::Ready(chunk.or_else(|| match self.end.take()? {
            Failure::Error => Some(Err(io::Error::other("the disk is gone"))),
            Failure::Panic => panic!("the stream panics"),
        }))
    }
}

#[tokio::test]
async fn stream_is_sent_in_chunks() {
    let cloud = Cloud::start();
    let call = cloud.client.post(PATH).header("Content-Type", "audio/wav");
    let chunks = Chunks::new(["first ", "", "second"]);
    call.body_stream(chunks).send().await.unwrap();
    let sent = &cloud.api.requests()[0];
    assert_eq!(sent.header("transfer-encoding"), Some("chunked"));
    assert_eq!(sent.header("content-length"), None);
    assert_eq!(sent.header("content-type"), Some("audio/wav"));
    assert_eq!(sent.body, b"6\r\nfirst \r\n6\r\nsecond\r\n0\r\n\r\n");

    let call = cloud.client.put(PATH).body_stream(Chunks::new([]));
    call.send().await.unwrap();
    let sent = &cloud.api.requests()[1];
    assert_eq!(sent.header("content-type"), None);
    assert_eq!(sent.body, b"0\r\n\r\n");
}

#[tokio::test]
async fn stream_is_never_sent_twice() {
    for (failure, kind) in [
        (Reply::json(429, ""), "RateLimited"),
        (Reply::json(503, ""), "Api"),
        (Reply::none(End::Reset), "Transport Reset"),
        (Reply::none(End::Close), "Transport Interrupted"),
    ] {
        let cloud = Cloud::answering([failure, Reply::json(200, "{}")]);
        let call = cloud.client.put(PATH).repeatable();
        let error = call.body_stream(Chunks::new(["a"])).send().await;
        assert_eq!(kind_of(&error.unwrap_err()), kind);
        assert_eq!(cloud.requests(), Requests { token: 1, api: 1 });
    }
}

#[tokio::test]
async fn stream_is_not_retried_even_if_nothing_was_sent() {
    let login = Server::start(good_token(TOKEN));
    let closed = Closed::new();
    let api = format!("http://{}", closed.address());
    let (tokens, _clock) = provider_of(Region::custom(&login.url(), &api).unwrap());
    let api = PlatformClient::builder(tokens.build().unwrap());
    let api = api.retry(quick()).build();
    let call = api.put(PATH).body_stream(Chunks::new(["a"]));
    let error = call.send().await.unwrap_err();
    assert_eq!(kind_of(&error), "Transport Refused", "{error}");
}

#[tokio::test]
async fn rejected_token_is_replaced_for_later_calls() {
    let cloud = Cloud::start();
    let tokens = ["first", "second"].map(good_token);
    cloud.login.answers(tokens);
    cloud.api.answers([
        Reply::json(401, r#"{"code":"bad.credentials"}"#),
        Reply::json(200, "{}"),
    ]);
    let call = || cloud.client.put(PATH).body_stream(Chunks::new(["a"]));
    let error = call().send().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 401);
    assert_eq!(cloud.requests(), Requests { token: 1, api: 1 });

    call().send().await.unwrap();
    let sent = cloud.api.requests();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].header("authorization"), Some("Bearer second"));
}

#[tokio::test]
async fn failing_stream_is_a_transport_error_with_its_cause() {
    let cloud = Cloud::start();
    let failing = Chunks::new(["a"]).then(Failure::Error);
    let call = cloud.client.put(PATH).body_stream(failing);
    let error = call.send().await.unwrap_err();
    assert_eq!(kind_of(&error), "Transport Upload", "{error}");
    assert!(causes(&error).contains(&"the disk is gone".to_owned()));
    assert!(!error.to_string().contains("disk"), "{error}");

    let panicking = Chunks::new(["a"]).then(Failure::Panic);
    let call = cloud.client.put(PATH).body_stream(panicking);
    let error = call.send().await.unwrap_err();
    assert!(kind_of(&error).starts_with("Transport"), "{error}");

    cloud.client.get("/api/v2/users/me").send().await.unwrap();
    let complete = cloud.api.requests().len();
    assert_eq!(complete, 1, "neither stream was sent to its end");
}

fn causes(error: &Error) -> Vec<String> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source())
        .map(ToString::to_string)
        .collect()
}

const PATH: &str = "/api/v2/uploads";
