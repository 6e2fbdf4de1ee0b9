//! What happens to every request: it is read, recorded, put through the faults, and answered.

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
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{self, HeaderName},
    request::Parts,
};
use hyper::{
    body::{Body as _, Frame, Incoming},
    service::Service as _,
};
use hyper_util::service::TowerToHyperService;
use percent_encoding::percent_decode_str;

use super::{
    ApiRefusal, Effect, Faults, Org, Record, RecordedRequest, SandboxHost, api_routes,
    login_routes, random_uuid, sealed,
};

/// Both hosts behind one address.
pub(super) struct Front {
    pub(super) faults: Arc<Faults>,
    pub(super) record: Record,
    login: TowerToHyperService<Router>,
    api: TowerToHyperService<Router>,
}

/// The connection is closed without an answer.
pub(super) type HungUp = io::Error;

impl Front {
    pub(super) fn new(org: &Arc<Org>) -> Self {
        Self {
            faults: Arc::default(),
            record: Record::new(),
            login: TowerToHyperService::new(login_routes(Arc::clone(org))),
            api: TowerToHyperService::new(api_routes(Arc::clone(org))),
        }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Response, HungUp> {
        let (parts, body) = request.into_parts();
        let (body, whole) = read(body).await?;
        self.answer_read(parts, body, whole).await
    }

    /// As [`answer`](Self::answer), once the body has been read, whole or up to [`LARGEST_BODY`].
    pub(super) async fn answer_read(
        &self,
        parts: Parts,
        body: Bytes,
        whole: bool,
    ) -> Result<Response, HungUp> {
        let (host, path) = host_and_path(&parts);
        let recorded = RecordedRequest::new(host, path, &parts, body);
        let place = self.record.add(recorded.clone());
        let response = if whole {
            self.through_faults(parts, &recorded).await?
        } else {
            finished(ApiRefusal::too_large(LARGEST_BODY))
        };
        self.record.answered(place, response.status());
        Ok(response)
    }

    async fn through_faults(
        &self,
        parts: Parts,
        request: &RecordedRequest,
    ) -> Result<Response, HungUp> {
        let mut last = 0;
        while let Some((id, effect)) = self.faults.next(last, request) {
            last = id;
            match effect {
                Effect::Delay(delay) => tokio::time::sleep(delay).await,
                Effect::Gate(door) => door.pass().await,
                Effect::Stall => pending().await,
                Effect::Respond(answer) => return Ok(finished(answer.into_response(request))),
                Effect::CutBody => return cut(self.truth(parts, request).await).await,
                Effect::DropResponse => {
                    self.truth(parts, request).await;
                    return Err(HungUp::other("the reply is dropped"));
                }
            }
        }
        Ok(self.truth(parts, request).await)
    }

    /// The answer where no fault stands in its way.
    async fn truth(&self, mut parts: Parts, request: &RecordedRequest) -> Response {
        if request.method() == Method::OPTIONS {
            return finished(StatusCode::NO_CONTENT);
        }
        let host = match request.host() {
            Some(SandboxHost::Login) => &self.login,
            Some(SandboxHost::Api) => &self.api,
            None => return finished(ApiRefusal::not_found()),
        };
        // The routes would answer in words of their own.
        if percent_decode_str(request.path()).decode_utf8().is_err() {
            return finished(ApiRefusal::not_found());
        }
        let target = match request.query() {
            Some(query) => format!("{}?{query}", request.path()),
            None => request.path().to_owned(),
        };
        let Ok(uri) = target.parse() else {
            return finished(ApiRefusal::not_found());
        };
        parts.uri = uri;
        let body = Body::from(Bytes::copy_from_slice(request.body()));
        match host.call(Request::from_parts(parts, body)).await {
            Ok(response) => finished(response),
            Err(never) => match never {},
        }
    }
}

/// The body up to [`LARGEST_BODY`], and whether that was all. What is more is read and forgotten,
/// so that the client comes to reading its answer.
async fn read(body: Incoming) -> Result<(Bytes, bool), HungUp> {
    let mut body = pin!(body);
    let mut kept = Vec::new();
    let mut length: usize = 0;
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(data) = frame.map_err(HungUp::other)?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length > LARGEST_READ {
            return Err(HungUp::other("the body does not end"));
        }
        let room = LARGEST_BODY.saturating_sub(kept.len());
        kept.extend_from_slice(&data.slice(..room.min(data.len())));
    }
    Ok((Bytes::from(kept), length <= LARGEST_BODY))
}

/// By the first label of the Host header, or else by the first segment of the path.
fn host_and_path(parts: &Parts) -> (Option<SandboxHost>, String) {
    let path = parts.uri.path();
    let name = parts.headers.get(header::HOST);
    let name = name.and_then(|name| name.to_str().ok()).unwrap_or_default();
    if let Some((label, _)) = name.split_once('.') {
        for (known, host) in HOSTS {
            if label.eq_ignore_ascii_case(known) {
                return (Some(host), path.to_owned());
            }
        }
    }
    for (known, host) in HOSTS {
        let rest = path
            .strip_prefix('/')
            .and_then(|path| path.strip_prefix(known));
        if let Some(rest) = rest.filter(|rest| rest.starts_with('/')) {
            return (Some(host), rest.to_owned());
        }
    }
    (None, path.to_owned())
}

/// With what every answer has: a correlation id, and leave for web pages of any origin to ask and
/// to read the headers that clients need.
fn finished(response: impl IntoResponse) -> Response {
    let mut response = sealed(response.into_response(), &random_uuid());
    for (name, value) in CORS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// The first half of an answer that announces its whole length.
async fn cut(response: Response) -> Result<Response, HungUp> {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(HungUp::other)?;
    parts
        .headers
        .insert(header::CONTENT_LENGTH, body.len().max(1).into());
    let half = body.slice(..body.len() / 2);
    Ok(Response::from_parts(parts, Body::new(CutBody::Half(half))))
}

/// A body that breaks off, once what it gave has been sent.
enum CutBody {
    Half(Bytes),
    Sending,
    Broken,
}

impl hyper::body::Body for CutBody {
    type Data = Bytes;
    type Error = HungUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HungUp>>> {
        match std::mem::replace(&mut *self, Self::Sending) {
            Self::Half(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
            Self::Sending => {
                // The server flushes when the body has nothing for it.
                *self = Self::Broken;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Broken => Poll::Ready(Some(Err(HungUp::other("the body is cut")))),
        }
    }
}

const HOSTS: [(&str, SandboxHost); 2] = [("login", SandboxHost::Login), ("api", SandboxHost::Api)];

/// Genesys Cloud's `request.bytes.max`.
const LARGEST_BODY: usize = 512_000;

/// What is read of a body that is too large.
const LARGEST_READ: usize = 16 * LARGEST_BODY;

const CORS: [(HeaderName, &str); 5] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "GET, HEAD, POST, PUT, PATCH, DELETE",
    ),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, content-type, purecloud-sdk, genesys-app",
    ),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "ININ-Correlation-Id, Retry-After, inin-ratelimit-count, inin-ratelimit-allowed, \
         inin-ratelimit-reset",
    ),
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];
