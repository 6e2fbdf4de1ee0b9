//! Parameters of API calls: a JSON object in the body, and the query.

use std::ops::RangeInclusive;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::error_response::ApiErrorResponse;

/// A body that a handler parses as a JSON object, after it has checked the caller.
pub(crate) struct JsonBody {
    is_json: bool,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = <Bytes as FromRequest<S>>::Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self {
            is_json: has_media_type(request.headers(), "application/json"),
            body: Bytes::from_request(request, state).await?,
        })
    }
}

impl JsonBody {
    pub(crate) fn object(&self) -> Result<Map<String, Value>, ApiErrorResponse> {
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
}

/// Returns the first parameter with this name in a query.
pub(crate) fn query_parameter(query: Option<&str>, name: &str) -> Option<String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// Returns the parameter as a number, or `default` if it is missing. Numbers are Java's `int`.
pub(crate) fn number_parameter(
    query: Option<&str>,
    name: &str,
    default: usize,
    range: RangeInclusive<i32>,
) -> Result<usize, ApiErrorResponse> {
    let Some(text) = query_parameter(query, name) else {
        return Ok(default);
    };
    let Ok(number) = text.parse::<i32>() else {
        let message = format!("{name} is not a number.");
        return Err(ApiErrorResponse::bad_request(message));
    };
    let (min, max) = (*range.start(), *range.end());
    usize::try_from(number)
        .ok()
        .filter(|_| range.contains(&number))
        .ok_or_else(|| {
            ApiErrorResponse::invalid_value(format!("{name} must be from {min} to {max}."))
        })
}

/// Whether `Content-Type` names this media type, with or without parameters.
pub(crate) fn has_media_type(headers: &HeaderMap, expected: &str) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok()?.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(expected))
}
