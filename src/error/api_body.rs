//! The body of an error answer, in whatever shape it comes: `ErrorBody`, `ErrorDetails`, a data
//! action's, SCIM's, or none of them.

use serde_json::{Map, Value};

use super::{ErrorDetail, Limit, long_words, words};

/// What could be read. Each field is taken for itself: one of a wrong type is as good as missing.
#[derive(Default)]
pub(super) struct Body {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) context_id: Option<String>,
    pub(super) details: Vec<ErrorDetail>,
    pub(super) limit: Option<Limit>,
    pub(super) permissions: Vec<String>,
    pub(super) division: Option<String>,
}

impl Body {
    /// Reads it without the request's `secrets`; what is missing, only where access is `denied`. Empty and foreign bodies come from load balancers.
    pub(super) fn read(body: &[u8], denied: bool, secrets: &[&str]) -> Self {
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
            return Self::default();
        };
        let reader = Reader(secrets);
        let (permissions, division) = if denied {
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
        }
    }
}

/// Reads with these secrets taken out.
struct Reader<'a>(&'a [&'a str]);

impl Reader<'_> {
    /// The first of these fields that holds text.
    fn text(&self, of: &Map<String, Value>, names: &[&str]) -> Option<String> {
        Some(words(plain(of, names)?, self.0))
    }

    /// `details`, and the errors within, however they are called and nested.
    fn details(&self, body: &Map<String, Value>) -> Vec<ErrorDetail> {
        let mut details = Vec::new();
        let mut open: Vec<&Value> = parts(body).collect();
        while let Some(part) = open.pop() {
            match part {
                Value::Array(several) => open.extend(several.iter().take(MOST_DETAILS).rev()),
                Value::Object(part) if details.len() < MOST_DETAILS => {
                    let detail = ErrorDetail {
                        code: self.text(part, CODE),
                        message: self.text(part, MESSAGE),
                        field: self.text(part, &["fieldName"]),
                        entity_id: self.text(part, &["entityId"]),
                        entity_name: self.text(part, &["entityName"]),
                    };
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

    fn limit(&self, body: &Map<String, Value>) -> Option<Limit> {
        let limit = body.get("limit")?.as_object()?;
        Some(Limit {
            key: self.text(limit, &["key"])?,
            namespace: self.text(limit, &["namespace"]),
            value: limit.get("value").and_then(Value::as_i64),
        })
    }

    /// From the parameters, whose names are not certain, or else from the message.
    fn permissions(&self, body: &Map<String, Value>) -> Vec<String> {
        let given = params(body).flat_map(|(_, value)| texts(value));
        let named: Vec<String> = given.flat_map(|text| listed(&self.whole(text))).collect();
        if !named.is_empty() {
            return named.into_iter().take(MOST_PERMISSIONS).collect();
        }
        let message = self.whole(plain(body, MESSAGE).unwrap_or_default());
        let list = message.rsplit_once(": ").map(|(_, list)| list);
        listed(list.unwrap_or_default())
    }

    /// A text that is taken apart only now that no secret is in it.
    fn whole(&self, text: &str) -> String {
        long_words(text, self.0)
    }

    fn division(&self, body: &Map<String, Value>) -> Option<String> {
        let mut named =
            params(body).filter(|(name, _)| name.to_ascii_lowercase().contains("division"));
        let text = named.find_map(|(_, value)| texts(value).first().copied());
        Some(words(text?, self.0))
    }
}

/// The permissions in a list such as `[a:b:c, a:b:d]`.
fn listed(list: &str) -> Vec<String> {
    let list = list.split_once(']').map_or(list, |(list, _)| list);
    list.trim_start_matches('[')
        .split(',')
        .map(str::trim)
        // A permission is domain:entity:action.
        .filter(|name| name.split(':').filter(|part| !part.is_empty()).count() == 3)
        .take(MOST_PERMISSIONS)
        .map(str::to_owned)
        .collect()
}

fn plain<'a>(of: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    let mut texts = names.iter().filter_map(|name| of.get(*name)?.as_str());
    texts.find(|text| !text.is_empty())
}

/// What an error holds of others.
fn parts(of: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let names = ["nested", "errors", "details"];
    names.into_iter().filter_map(|name| of.get(name))
}

fn params(body: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let params = body.get("messageParams").and_then(Value::as_object);
    params.into_iter().flatten()
}

/// One text, or several in a list.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

const CODE: &[&str] = &["code", "errorCode", "scimType"];
const MESSAGE: &[&str] = &["message", "userMessage", "detail"];
const CONTEXT_ID: &[&str] = &["contextId", "correlationId"];

const MOST_PERMISSIONS: usize = 64;
const MOST_DETAILS: usize = 16;
