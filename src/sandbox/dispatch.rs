//! Handles each request: admits it, logs it, applies the faults, and routes it to its host.

use std::{
    future::{pending, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header, request::Parts};
use hyper::{
    body::{Body as _, Frame, Incoming},
    service::Service as _,
};
use hyper_util::service::TowerToHyperService;
use percent_encoding::percent_decode_str;

use super::{
    fault::{Effect, Faults},
    http::{
        admission::{Admission, Names},
        error_response::{ApiErrorResponse, with_correlation_id},
        request_log::{RecordLimits, RecordedRequest, RequestLog, SandboxHost},
    },
    random::random_uuid,
};

/// Both hosts at one address.
pub(super) struct Dispatcher {
    pub(super) faults: Arc<Faults>,
    pub(super) requests: RequestLog,
    names: Names,
    login_host: TowerToHyperService<Router>,
    api_host: TowerToHyperService<Router>,
}

/// The connection is closed without a response.
pub(super) type ConnectionClosed = io::Error;

impl Dispatcher {
    pub(super) fn new(
        names: Names,
        limits: RecordLimits,
        login_host: Router,
        api_host: Router,
    ) -> Self {
        Self {
            faults: Arc::default(),
            requests: RequestLog::new(limits),
            names,
            login_host: TowerToHyperService::new(login_host),
            api_host: TowerToHyperService::new(api_host),
        }
    }

    pub(super) async fn handle(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response, ConnectionClosed> {
        let (parts, body) = request.into_parts();
        match self.names.admit(&parts) {
            Ok(admission) => {
                let (body, is_complete) = read_body(body).await?;
                self.respond(admission, parts, body, is_complete).await
            }
            Err(rejection) => Ok(rejection.into_response()),
        }
    }

    /// Handles a request whose body was read.
    pub(super) async fn handle_with_body(
        &self,
        parts: Parts,
        body: Bytes,
    ) -> Result<Response, ConnectionClosed> {
        match self.names.admit(&parts) {
            Ok(admission) => self.respond(admission, parts, body, true).await,
            Err(rejection) => Ok(rejection.into_response()),
        }
    }

    /// `body` is at most [`MAX_BODY_BYTES`] long.
    async fn respond(
        &self,
        admission: Admission,
        parts: Parts,
        body: Bytes,
        is_complete: bool,
    ) -> Result<Response, ConnectionClosed> {
        let path = admission.path.clone();
        let request = RecordedRequest::new(admission.host, path, &parts, body);
        let number = self.requests.add(request.clone());
        let mut response = if is_complete {
            self.apply_faults(parts, &request).await?
        } else {
            with_common_headers(ApiErrorResponse::too_large(MAX_BODY_BYTES))
        };
        admission.add_cors_headers(&mut response);
        self.requests.set_status(number, response.status());
        Ok(response)
    }

    async fn apply_faults(
        &self,
        parts: Parts,
        request: &RecordedRequest,
    ) -> Result<Response, ConnectionClosed> {
        let mut last = 0;
        while let Some((id, effect)) = self.faults.next(last, request) {
            last = id;
            match effect {
                Effect::Delay(delay) => tokio::time::sleep(delay).await,
                Effect::Gate(gate) => gate.pass().await,
                Effect::Stall => pending().await,
                Effect::Respond(response) => {
                    return Ok(with_common_headers(response.into_response(request)));
                }
                Effect::CutBody => return cut_body(self.route(parts, request).await).await,
                Effect::DropResponse => {
                    self.route(parts, request).await;
                    return Err(ConnectionClosed::other("the response is dropped"));
                }
            }
        }
        Ok(self.route(parts, request).await)
    }

    /// Returns the response of the host, without faults.
    async fn route(&self, mut parts: Parts, request: &RecordedRequest) -> Response {
        if request.method() == Method::OPTIONS {
            return with_common_headers(StatusCode::NO_CONTENT);
        }
        let host = match request.host() {
            Some(SandboxHost::Login) => &self.login_host,
            Some(SandboxHost::Api) => &self.api_host,
            None => return with_common_headers(ApiErrorResponse::not_found()),
        };
        // axum would respond with an error of its own.
        if percent_decode_str(request.path()).decode_utf8().is_err() {
            return with_common_headers(ApiErrorResponse::not_found());
        }
        let target = match request.query() {
            Some(query) => format!("{}?{query}", request.path()),
            None => request.path().to_owned(),
        };
        let Ok(uri) = target.parse() else {
            return with_common_headers(ApiErrorResponse::not_found());
        };
        parts.uri = uri;
        let body = Body::from(Bytes::copy_from_slice(request.body()));
        match host.call(Request::from_parts(parts, body)).await {
            Ok(response) => with_common_headers(response),
            Err(never) => match never {},
        }
    }
}

/// Returns at most [`MAX_BODY_BYTES`] of the body, and whether that is all of it. The rest is read
/// and discarded, because many clients read the response only after they have sent the body.
async fn read_body(body: Incoming) -> Result<(Bytes, bool), ConnectionClosed> {
    let mut body = pin!(body);
    let mut kept = Vec::new();
    let mut length: usize = 0;
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(data) = frame.map_err(ConnectionClosed::other)?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length > MAX_READ_BYTES {
            return Err(ConnectionClosed::other("the body is too large"));
        }
        let room = MAX_BODY_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(&data.slice(..room.min(data.len())));
    }
    // Without the vector's spare room, because the record keeps it.
    let kept = Bytes::from(kept.into_boxed_slice());
    Ok((kept, length <= MAX_BODY_BYTES))
}

/// Adds what every response has: a correlation id.
fn with_common_headers(response: impl IntoResponse) -> Response {
    with_correlation_id(response.into_response(), &random_uuid())
}

/// Replaces the body by its first half, with the Content-Length of the whole.
async fn cut_body(response: Response) -> Result<Response, ConnectionClosed> {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(ConnectionClosed::other)?;
    parts
        .headers
        .insert(header::CONTENT_LENGTH, body.len().max(1).into());
    let half = body.slice(..body.len() / 2);
    Ok(Response::from_parts(parts, Body::new(CutBody::Half(half))))
}

/// A body that fails after its first half was sent.
enum CutBody {
    Half(Bytes),
    Sending,
    Broken,
}

impl hyper::body::Body for CutBody {
    type Data = Bytes;
    type Error = ConnectionClosed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ConnectionClosed>>> {
        match std::mem::replace(&mut *self, Self::Sending) {
            Self::Half(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
            Self::Sending => {
                // hyper flushes when the body is pending.
                *self = Self::Broken;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Broken => Poll::Ready(Some(Err(ConnectionClosed::other("the body is cut")))),
        }
    }
}

/// Genesys Cloud's `request.bytes.max`.
const MAX_BODY_BYTES: usize = 512_000;

/// A connection whose request has a larger body is closed.
const MAX_READ_BYTES: usize = 16 * MAX_BODY_BYTES;
