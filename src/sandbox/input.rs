//! What a call brings: a body of JSON, and parameters in the query.

use std::ops::RangeInclusive;

use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::ApiRefusal;

/// The JSON object that the body is.
pub(super) fn json_object(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Map<String, Value>, ApiRefusal> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let media_type = content_type
        .and_then(|value| value.to_str().ok()?.split(';').next())
        .unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return Err(ApiRefusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported.media.type",
            "The body must be application/json.",
        ));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiRefusal::bad_request("The body must be a JSON object.")),
        Err(_) => Err(ApiRefusal::bad_request("The body is not JSON.")),
    }
}

/// The first parameter of this name in a query.
pub(super) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(given, _)| given == name)
        .map(|(_, value)| value.into_owned())
}

/// The parameter as a number, which may be as large as Java's `int`; `default` where it is not
/// there.
pub(super) fn number(
    query: Option<&str>,
    name: &str,
    default: usize,
    within: RangeInclusive<i32>,
) -> Result<usize, ApiRefusal> {
    let Some(text) = parameter(query, name) else {
        return Ok(default);
    };
    let Ok(number) = text.parse::<i32>() else {
        return Err(ApiRefusal::bad_request(format!("{name} is not a number.")));
    };
    let (least, most) = (*within.start(), *within.end());
    usize::try_from(number)
        .ok()
        .filter(|_| within.contains(&number))
        .ok_or_else(|| ApiRefusal::invalid_value(format!("{name} must be from {least} to {most}.")))
}
