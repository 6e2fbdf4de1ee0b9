//! A request's body that is read from a stream while it is sent.

use std::{
    error, fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use http_body::Frame;
use parking_lot::Mutex;

/// Returns a body that sends what `stream` yields. It can be sent once.
pub(crate) fn upload<S, E>(stream: S) -> reqwest::Body
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    reqwest::Body::wrap(Upload(Mutex::new(Box::pin(stream))))
}

type BoxError = Box<dyn error::Error + Send + Sync>;

/// The mutex is never locked. It is there because reqwest's bodies must be `Sync`.
struct Upload<S>(Mutex<Pin<Box<S>>>);

impl<S, E> http_body::Body for Upload<S>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<BoxError>,
{
    type Data = Bytes;
    type Error = UploadFailed;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadFailed>>> {
        let stream = self.get_mut().0.get_mut().as_mut();
        stream.poll_next(context).map(|item| {
            item.map(|chunk| {
                chunk
                    .map(Frame::data)
                    .map_err(|source| UploadFailed(source.into()))
            })
        })
    }
}

/// The caller's stream failed.
#[derive(Debug)]
pub(super) struct UploadFailed(BoxError);

impl fmt::Display for UploadFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream of the request's body failed")
    }
}

impl error::Error for UploadFailed {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.0)
    }
}
