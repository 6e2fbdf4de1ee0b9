//! Bodies that are sent while they are made.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use genesys_cloud_auth::{Error, PlatformClient};

use crate::support::{
    TOKEN, good_token, kind_of, provider_of, region_of,
    server::{Closed, Decision, End, Server},
};

/// Yields the pieces, and then fails where told to.
pub struct Pieces {
    pieces: VecDeque<Bytes>,
    end: Option<Failure>,
}

enum Failure {
    Error,
    Panic,
}

impl Pieces {
    pub fn new<const N: usize>(pieces: [&'static str; N]) -> Self {
        Self {
            pieces: pieces
                .map(|piece| Bytes::from_static(piece.as_bytes()))
                .into(),
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

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = self.pieces.pop_front().map(Ok);
        Poll::Ready(piece.or_else(|| match self.end.take()? {
            Failure::Error => Some(Err(io::Error::other("the disk is gone"))),
            Failure::Panic => panic!("the stream panics"),
        }))
    }
}

#[tokio::test]
async fn a_stream_is_sent_in_chunks_as_it_comes() {
    let (_login, server, api) = start();
    let call = api
        .post("/api/v2/uploads")
        .header("Content-Type", "audio/wav");
    let pieces = Pieces::new(["first ", "", "second"]);
    call.stream(pieces).send().await.unwrap();
    let sent = &server.requests()[0];
    assert_eq!(sent.header("transfer-encoding"), Some("chunked"));
    assert_eq!(sent.header("content-length"), None);
    assert_eq!(sent.header("content-type"), Some("audio/wav"));
    assert_eq!(sent.body, b"6\r\nfirst \r\n6\r\nsecond\r\n0\r\n\r\n");

    let call = api.put("/api/v2/uploads").stream(Pieces::new([]));
    call.send().await.unwrap();
    let sent = &server.requests()[1];
    assert_eq!(sent.header("content-type"), None);
    assert_eq!(sent.body, b"0\r\n\r\n");
}

#[tokio::test]
async fn a_stream_is_never_sent_twice() {
    for (failure, kind) in [
        (Decision::json(429, ""), "RateLimited"),
        (Decision::json(503, ""), "Api"),
        (Decision::none(End::Reset), "Transport Reset"),
        (Decision::none(End::Close), "Transport Interrupted"),
    ] {
        let (login, server, api) = start();
        server.answers([failure, Decision::json(200, "{}")]);
        let call = api.put("/api/v2/uploads").repeatable();
        let error = call.stream(Pieces::new(["a"])).send().await.unwrap_err();
        assert_eq!(kind_of(&error), kind, "{error}");
        assert_eq!((login.requests().len(), server.requests().len()), (1, 1));
    }
}

#[tokio::test]
async fn a_stream_of_which_nothing_was_sent_is_not_repeated_either() {
    let login = Server::start(good_token(TOKEN));
    let closed = Closed::new();
    let api = format!("http://{}", closed.address());
    let region = genesys_cloud_auth::Region::custom(&login.url(), &api, None).unwrap();
    let api = PlatformClient::new(provider_of(region).0.build().unwrap()).retry(super::quick());
    let call = api.put("/api/v2/uploads").stream(Pieces::new(["a"]));
    let error = call.send().await.unwrap_err();
    assert_eq!(kind_of(&error), "Transport Refused", "{error}");
}

#[tokio::test]
async fn a_refused_token_is_replaced_for_the_calls_after_the_stream() {
    let (login, server, api) = start();
    login.answers([good_token("first"), good_token("second")]);
    server.answers([
        Decision::json(401, r#"{"code":"bad.credentials"}"#),
        Decision::json(200, "{}"),
    ]);
    let call = || api.put("/api/v2/uploads").stream(Pieces::new(["a"]));
    let error = call().send().await.unwrap_err();
    assert_eq!(error.status().map(u16::from), Some(401));
    assert_eq!((login.requests().len(), server.requests().len()), (1, 1));
    call().send().await.unwrap();
    let sent = server.requests();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].header("authorization"), Some("Bearer second"));
}

#[tokio::test]
async fn a_stream_that_fails_is_a_typed_error_and_says_why() {
    let (_login, server, api) = start();
    let call = api.put("/api/v2/uploads");
    let pieces = Pieces::new(["a"]).then(Failure::Error);
    let error = call.stream(pieces).send().await.unwrap_err();
    assert_eq!(kind_of(&error), "Transport Upload", "{error}");
    assert!(causes(&error).contains(&"the disk is gone".to_owned()));
    assert!(!error.to_string().contains("disk"), "{error}");

    // The panic stays in the connection's own task.
    let pieces = Pieces::new(["a"]).then(Failure::Panic);
    let error = api.put("/api/v2/uploads").stream(pieces).send().await;
    assert!(kind_of(&error.unwrap_err()).starts_with("Transport"));
    api.get("/api/v2/users/me").send().await.unwrap();
    let sent = server.requests();
    assert_eq!(sent.len(), 1, "neither of the others came whole");
}

fn causes(error: &Error) -> Vec<String> {
    let first = std::error::Error::source(error);
    std::iter::successors(first, |cause| cause.source())
        .map(ToString::to_string)
        .collect()
}

fn start() -> (Server, Server, PlatformClient) {
    let login = Server::start(good_token(TOKEN));
    let server = Server::start(Decision::json(200, "{}"));
    let (builder, _clock) = provider_of(region_of(&login, &server));
    let tokens = builder.build().unwrap();
    let api = PlatformClient::new(tokens).retry(super::quick());
    (login, server, api)
}
