//! A call to the API host, as its handlers receive it.

use std::{
    future::{Ready, ready},
    ops::RangeInclusive,
    sync::Arc,
};

use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};

use crate::sandbox::{
    http::{
        error_response::{ApiErrorResponse, ok_response},
        params::{has_media_type, query_parameter},
    },
    org::{Caller, Org},
};

/// What a handler returns.
pub(super) type ApiResult<R = Response> = Result<R, ApiErrorResponse>;

/// A call with a live token.
pub(super) struct ApiCall {
    pub(super) org: Arc<Org>,
    pub(super) caller: Caller,
    /// The first parameter of the path, which is the id of a resource.
    pub(super) id: String,
    /// The second parameter of the path, which names a part of that resource.
    pub(super) part: String,
    query: Option<String>,
    is_json: bool,
    body: Bytes,
}

/// Makes a handler that needs a permission, of several any one. It is checked first.
pub(super) fn permitted<R: IntoResponse + 'static>(
    required: &'static [&'static str],
    handle: fn(&ApiCall) -> R,
) -> impl Fn(ApiCall) -> Ready<ApiResult> + Clone + Send + 'static {
    move |call: ApiCall| {
        ready(
            call.require(required)
                .map(|()| handle(&call).into_response()),
        )
    }
}

/// Returns the response with a body, or 404 if there is none.
pub(super) fn found(body: Option<Value>) -> ApiResult {
    let body = body.ok_or_else(ApiErrorResponse::not_found)?;
    Ok(ok_response(&body))
}

impl FromRequest<Arc<Org>> for ApiCall {
    type Rejection = Response;

    async fn from_request(request: Request, org: &Arc<Org>) -> Result<Self, Response> {
        let is_json = has_media_type(request.headers(), "application/json");
        let (mut parts, body) = request.into_parts();
        let caller = parts.extensions.remove::<Caller>();
        let caller =
            caller.ok_or_else(|| ApiErrorResponse::authentication_required().into_response())?;
        let path = RawPathParams::from_request_parts(&mut parts, org).await;
        let path = path.map_err(IntoResponse::into_response)?;
        let mut path = path.iter().map(|(_, value)| value.to_owned());
        Ok(Self {
            org: Arc::clone(org),
            caller,
            id: path.next().unwrap_or_default(),
            part: path.next().unwrap_or_default(),
            query: parts.uri.query().map(str::to_owned),
            is_json,
            body: Bytes::from_request(Request::from_parts(parts, body), org)
                .await
                .map_err(IntoResponse::into_response)?,
        })
    }
}

impl ApiCall {
    pub(super) fn require(&self, required: &[&str]) -> ApiResult<()> {
        self.caller.permissions.require(required)
    }

    /// Returns the JSON object of the body.
    pub(super) fn object(&self) -> ApiResult<Map<String, Value>> {
        if !self.is_json {
            return Err(ApiErrorResponse::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported.media.type",
                "The body must be application/json.",
            ));
        }
        let message = match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => return Ok(object),
            Ok(_) => "The body must be a JSON object.",
            Err(_) => "The body is not JSON.",
        };
        Err(ApiErrorResponse::bad_request(message))
    }

    /// Returns the first parameter of the query with this name.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        query_parameter(self.query.as_deref(), name)
    }

    /// Returns a number of the query, or `default` if it is missing. Numbers are Java's `int`.
    pub(super) fn number(
        &self,
        name: &str,
        default: usize,
        range: RangeInclusive<i32>,
    ) -> ApiResult<usize> {
        let Some(text) = self.query(name) else {
            return Ok(default);
        };
        let Ok(number) = text.parse::<i32>() else {
            let message = format!("{name} is not a number.");
            return Err(ApiErrorResponse::bad_request(message));
        };
        let (min, max) = (*range.start(), *range.end());
        let number = usize::try_from(number)
            .ok()
            .filter(|_| range.contains(&number));
        let message = format!("{name} must be from {min} to {max}.");
        number.ok_or_else(|| ApiErrorResponse::invalid_value(message))
    }

    /// Fails unless `body` has the version that it replaces, in one of two forms.
    pub(super) fn check_version(&self, body: &Map<String, Value>, current: u64) -> ApiResult<()> {
        if body.get("version").and_then(Value::as_u64) == Some(current) {
            return Ok(());
        }
        let message = "The version does not match the current version.";
        if self.org.settings.version_conflicts_are_bad_requests {
            return Err(ApiErrorResponse::bad_request(message));
        }
        Err(ApiErrorResponse::new(
            StatusCode::CONFLICT,
            "general.conflict",
            message,
        ))
    }
}
