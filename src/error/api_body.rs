//! The body of an error response of the Platform API: an `ErrorBody`, an `ErrorDetails`, one of a data
//! action, one of SCIM, or anything else.

use http::StatusCode;
use serde_json::{Map, Value};

use super::{
    api::{ErrorDetail, PlatformLimit},
    data_action::{DataActionError, DataActionErrorClass},
    redact::{sanitize, sanitize_list},
};
use crate::outside_text::without_byte_order_mark;

/// The fields that could be read. A field of a wrong type counts as missing.
#[derive(Default)]
pub(super) struct Body {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) context_id: Option<String>,
    pub(super) details: Vec<ErrorDetail>,
    pub(super) limit: Option<PlatformLimit>,
    pub(super) permissions: Vec<String>,
    pub(super) division: Option<String>,
    /// The `status` in the body.
    pub(super) status: Option<StatusCode>,
    remote_status: Option<StatusCode>,
    remote_message: Option<String>,
    /// Whether the body has the form of data actions.
    pub(super) is_of_data_action: bool,
}

impl Body {
    /// Reads a body without the request's `secrets`. The missing permissions are read only where access
    /// was denied. Load balancers send empty and foreign bodies.
    pub(super) fn read(body: &[u8], is_denied: bool, secrets: &[&str]) -> Self {
        let Ok(Value::Object(body)) = serde_json::from_slice(without_byte_order_mark(body)) else {
            return Self::default();
        };
        let reader = Reader(secrets);
        let (permissions, division) = if is_denied {
            (reader.permissions(&body), reader.division(&body))
        } else {
            Default::default()
        };
        Self {
            code: reader.text(&body, CODE),
            message: reader.text(&body, MESSAGE),
            context_id: reader.text(&body, CONTEXT_ID),
            details: reader.details(&body),
            limit: reader.limit(&body),
            permissions,
            division,
            status: status_in(&body),
            remote_status: remote_status(&body),
            remote_message: remote_words(&body).map(|words| sanitize(words, secrets)),
            is_of_data_action: body.contains_key("errorCode"),
        }
    }

    /// Returns why a data action failed. `status` is that of the response.
    pub(super) fn data_action(&self, status: StatusCode) -> DataActionError {
        let details = || self.details.iter();
        let codes = details().map(|detail| &detail.code).chain([&self.code]);
        let messages = details().map(|detail| &detail.message);
        let messages = messages.chain([&self.message]).flatten();
        let codes: Vec<&str> = codes.flatten().map(String::as_str).collect();
        let messages: Vec<&str> = messages.map(String::as_str).collect();
        // The Platform API's own error is passed on as it is, with its status in the body.
        let passed_on = self.status.filter(|remote| {
            !self.is_of_data_action && *remote != status && remote.as_u16() >= 400
        });
        // With HTTP 200, 400 is the status of every failure.
        let passed_on = passed_on.filter(|remote| status.as_u16() >= 400 || *remote != 400);
        let denied = status == StatusCode::FORBIDDEN;
        let is_remote = passed_on.is_some() || denied;
        DataActionError {
            class: DataActionErrorClass::of(&codes, &messages, is_remote),
            remote_status: (self.remote_status)
                .or(passed_on)
                .or(denied.then_some(status)),
            remote_message: (self.remote_message.clone())
                .or_else(|| self.message.clone().filter(|_| is_remote)),
        }
    }
}

impl ErrorDetail {
    /// Reads an `ErrorBody` within another object.
    pub(crate) fn read(part: &Map<String, Value>) -> Self {
        Reader(&[]).detail(part)
    }
}

fn status_in(body: &Map<String, Value>) -> Option<StatusCode> {
    let status = body.get("status")?.as_u64()?;
    StatusCode::from_u16(u16::try_from(status).ok()?).ok()
}

/// Returns what follows [`REMOTE_WORDS`] in the message of an error or of one within it.
fn remote_words(body: &Map<String, Value>) -> Option<&str> {
    let inner = body.get("errors").and_then(Value::as_array);
    let inner = inner.into_iter().flatten().filter_map(Value::as_object);
    let parts = std::iter::once(body).chain(inner.take(MAX_DETAILS));
    let texts = parts.flat_map(|part| MESSAGE.iter().filter_map(|name| part.get(*name)?.as_str()));
    let mut words = texts.filter_map(|text| Some(text.split_once(REMOTE_WORDS)?.1.trim()));
    words.next()
}

/// Returns the status in a web service's words, or in the error that repeats them.
fn remote_status(body: &Map<String, Value>) -> Option<StatusCode> {
    let words = remote_words(body)?;
    if let Ok(Value::Object(words)) = serde_json::from_str(words)
        && let Some(status) = status_in(&words)
    {
        return Some(status);
    }
    let inner = body.get("errors").and_then(Value::as_array);
    let inner = inner.into_iter().flatten().filter_map(Value::as_object);
    inner.take(MAX_DETAILS).find_map(status_in)
}

/// What a server other than the token endpoint says in its place: a body of the Platform API or of a
/// gateway.
#[derive(Default)]
pub(crate) struct ServerWords {
    /// The code and the message, as far as there are any.
    pub(crate) text: Option<String>,
    pub(crate) context_id: Option<String>,
}

impl ServerWords {
    pub(crate) fn read(body: &[u8], secrets: &[&str]) -> Self {
        let body = without_byte_order_mark(body);
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
            let text = plain_text(body).map(|text| sanitize(text, secrets));
            return Self {
                text,
                context_id: None,
            };
        };
        let reader = Reader(secrets);
        // Gateways put their error into a field.
        let inner = ["error", "fault"];
        let mut inner = inner.iter().filter_map(|name| body.get(*name)?.as_object());
        let inner = inner.next().unwrap_or(&body);
        let texts = [
            reader.text(inner, CODE),
            reader.text(inner, MESSAGE_OF_GATEWAY),
        ];
        let texts: Vec<String> = texts.into_iter().flatten().collect();
        Self {
            text: (!texts.is_empty()).then(|| texts.join(": ")),
            context_id: reader.text(&body, CONTEXT_ID),
        }
    }
}

/// Returns a line of plain text, such as "upstream request timeout".
fn plain_text(body: &[u8]) -> Option<&str> {
    let text = str::from_utf8(body).ok()?.trim();
    let is_line = text.contains(' ') && !text.contains(char::is_control);
    let is_other = text.starts_with(['<', '{', '[', '"']) || text.len() > MAX_PLAIN_TEXT;
    (is_line && !is_other).then_some(text)
}

/// Reads texts without these secrets.
struct Reader<'a>(&'a [&'a str]);

impl Reader<'_> {
    /// Returns the first of these fields that holds a text.
    fn text(&self, object: &Map<String, Value>, names: &[&str]) -> Option<String> {
        Some(sanitize(first_text(object, names)?, self.0))
    }

    fn detail(&self, part: &Map<String, Value>) -> ErrorDetail {
        ErrorDetail {
            code: self.text(part, CODE),
            message: self.text(part, MESSAGE),
            field: self.text(part, &["fieldName"]),
            entity_id: self.text(part, &["entityId"]),
            entity_name: self.text(part, &["entityName"]),
        }
    }

    /// Returns the errors within a body, whatever their field is called and however deep they are.
    fn details(&self, body: &Map<String, Value>) -> Vec<ErrorDetail> {
        let mut details = Vec::new();
        let mut open: Vec<&Value> = parts(body).collect();
        while let Some(part) = open.pop() {
            match part {
                Value::Array(several) => open.extend(several.iter().take(MAX_DETAILS).rev()),
                Value::Object(part) if details.len() < MAX_DETAILS => {
                    let detail = self.detail(part);
                    if !detail.to_string().is_empty() {
                        details.push(detail);
                    }
                    open.extend(parts(part));
                }
                _ => {}
            }
        }
        details
    }

    fn limit(&self, body: &Map<String, Value>) -> Option<PlatformLimit> {
        let limit = body.get("limit")?.as_object()?;
        Some(PlatformLimit {
            key: self.text(limit, &["key"])?,
            namespace: self.text(limit, &["namespace"]),
            value: limit.get("value").and_then(Value::as_i64),
        })
    }

    /// Reads them from the parameters, whose names are not documented, or else from the message.
    fn permissions(&self, body: &Map<String, Value>) -> Vec<String> {
        let texts = params(body).flat_map(|(_, value)| texts(value));
        let names: Vec<String> = texts
            .flat_map(|text| permissions_in(&sanitize_list(text, self.0)))
            .take(MAX_PERMISSIONS)
            .collect();
        if !names.is_empty() {
            return names;
        }
        let message = first_text(body, MESSAGE).unwrap_or_default();
        let message = sanitize_list(message, self.0);
        let list = message.rsplit_once(": ").map(|(_, list)| list);
        permissions_in(list.unwrap_or_default())
    }

    fn division(&self, body: &Map<String, Value>) -> Option<String> {
        let mut named =
            params(body).filter(|(name, _)| name.to_ascii_lowercase().contains("division"));
        let text = named.find_map(|(_, value)| texts(value).first().copied());
        Some(sanitize(text?, self.0))
    }
}

/// Returns the permissions in a list such as `[a:b:c, a:b:d]`.
fn permissions_in(list: &str) -> Vec<String> {
    let list = list.split_once(']').map_or(list, |(list, _)| list);
    list.trim_start_matches('[')
        .split(',')
        .map(str::trim)
        // A permission is domain:entity:action.
        .filter(|name| name.split(':').filter(|part| !part.is_empty()).count() == 3)
        .take(MAX_PERMISSIONS)
        .map(str::to_owned)
        .collect()
}

fn first_text<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    let mut texts = names.iter().filter_map(|name| object.get(*name)?.as_str());
    texts.find(|text| !text.is_empty())
}

/// Returns the fields that hold the errors within an error.
fn parts(object: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let names = ["nested", "errors", "details"];
    names.into_iter().filter_map(|name| object.get(name))
}

fn params(body: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let params = body.get("messageParams").and_then(Value::as_object);
    params.into_iter().flatten()
}

/// Returns the text, or the texts of a list.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

const CODE: &[&str] = &["code", "errorCode", "scimType"];
const MESSAGE: &[&str] = &["message", "userMessage", "detail"];
const MESSAGE_OF_GATEWAY: &[&str] = &[
    "message",
    "userMessage",
    "detail",
    "Message",
    "errorMessage",
    "faultstring",
    "title",
];
const CONTEXT_ID: &[&str] = &["contextId", "correlationId"];

/// What a data action writes before a web service's own words.
const REMOTE_WORDS: &str = "Response from web service:";

const MAX_PERMISSIONS: usize = 64;
const MAX_DETAILS: usize = 16;

/// The longest line of plain text that is taken for a gateway's reason, in bytes.
const MAX_PLAIN_TEXT: usize = 256;
