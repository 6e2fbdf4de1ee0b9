use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use super::*;
use crate::http_client::upload;

#[tokio::test]
async fn body_that_arrives_at_once_is_not_copied() {
    let body = Bytes::from(vec![7; 1_000]);
    let read = incoming(body.clone()).read(1_000).await.unwrap();
    assert_eq!(read.as_ptr(), body.as_ptr());
    assert_eq!(read, body);
}

#[tokio::test]
async fn secret_body_gets_the_announced_buffer() {
    for length in [0, 1, 139, 65_536] {
        let read = incoming(vec![7; length]).read_secret(65_536).await;
        let read = read.unwrap();
        assert_eq!((read.len(), read.capacity()), (length, length));
    }
}

#[tokio::test]
async fn body_in_chunks_is_read_whole_up_to_the_limit() {
    for chunks in [
        vec![],
        vec![0],
        vec![5],
        vec![3, 4],
        vec![0, 3, 0, 9, 1],
        vec![1; 300],
        vec![60_000, 1, 5_000, 535],
    ] {
        let length: usize = chunks.iter().sum();
        let expected: Vec<u8> = (0..length).map(byte).collect();
        let response = || incoming(upload(Chunks::new(&chunks)));
        assert_eq!(response().read(length).await.unwrap(), expected);
        let secret = response().read_secret(length).await.unwrap();
        assert_eq!(*secret, expected, "{chunks:?}");
        assert!(secret.capacity() <= 2 * length, "{chunks:?}");
        if length > 0 {
            let errors = [
                response().read(length - 1).await.unwrap_err(),
                response().read_secret(length - 1).await.unwrap_err(),
            ];
            let limit = format!("with more than {} bytes", length - 1);
            for error in errors {
                assert!(error.to_string().contains(&limit), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn announced_length_over_the_limit_is_not_read() {
    let mut response = incoming(vec![7; 1_001]);
    assert!(response.read(1_000).await.is_err());
    assert!(response.read_secret(1_000).await.is_err());
    assert_eq!(response.read(1_001).await.unwrap().len(), 1_001);
}

fn incoming(body: impl Into<reqwest::Body>) -> Incoming {
    let response = http::Response::new(body.into());
    Incoming::new(response.into(), Method::GET, None, Duration::MAX)
}

/// A body whose length is not announced.
struct Chunks(VecDeque<Bytes>);

impl Chunks {
    fn new(lengths: &[usize]) -> Self {
        let mut start = 0;
        let chunks = lengths.iter().map(|&length| {
            start += length;
            (start - length..start).map(byte).collect()
        });
        Self(chunks.collect())
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

/// The byte at a place in a body.
fn byte(place: usize) -> u8 {
    u8::try_from(place % 251).unwrap()
}
