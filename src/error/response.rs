//! Responses that cannot be used, and what every error of a response knows.

use std::{borrow::Cow, fmt, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::error::Category;

use crate::outside_text::without_byte_order_mark;

/// A response arrived that cannot be used. Its body is not kept.
#[derive(Debug, thiserror::Error)]
#[error("{head} {problem}{}{}", self.cure(), head.id())]
pub struct UnexpectedResponse {
    pub(crate) head: ResponseHead,
    pub(crate) problem: ResponseProblem,
}

/// Why a response cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResponseProblem {
    #[error("without a readable reason")]
    Status,
    /// The server's own words, sanitized.
    #[error("{0}")]
    Said(String),
    #[error(
        "with a redirection, which is not followed with credentials; check the region's hosts, or \
         use `send()` and the response's `location()` where a redirection is expected"
    )]
    Redirect,
    #[error("with more than {max} bytes")]
    TooLong { max: usize },
    #[error("with a content coding that was not asked for; check the proxies on the way")]
    Encoded,
    /// In place of the JSON that was asked for.
    #[error(
        "with a web page, as a sign-in page of this network or a maintenance page does; check the \
         network and the proxies on the way, or try again later"
    )]
    WebPage,
    #[error(
        "without a body, as a proxy or a host under maintenance does; check the network and the \
         proxies on the way, or try again later"
    )]
    Empty,
    #[error("with text that is not UTF-8")]
    NotUtf8,
    /// Where and how the JSON could not be decoded. What was read is not kept.
    #[error("with a body that cannot be decoded: {reason} (line {line}, column {column})")]
    NotJson {
        reason: Cow<'static, str>,
        line: usize,
        column: usize,
    },
    #[error("without an access_token")]
    NoToken,
    #[error("with a token that cannot be used: {0}")]
    BadToken(&'static str),
    #[error("with a listing whose next page cannot be requested: {0}")]
    Paging(Cow<'static, str>),
    #[error("with a page whose items cannot be found: {0}")]
    Items(Cow<'static, str>),
    #[error(
        "with an incomplete listing: {received} of {total} objects, on the first of {pages} pages; \
         Genesys Cloud offers no way to request the others"
    )]
    IncompleteListing {
        received: usize,
        total: u64,
        pages: u64,
    },
    #[error("without the secret that it generates")]
    NoSecret,
    #[error("with a query that failed; send it again, perhaps with a shorter interval")]
    FailedQuery,
}

impl UnexpectedResponse {
    /// Returns the server's own words, where it sent a message in the form of the Platform API or of a
    /// gateway.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match &self.problem {
            ResponseProblem::Said(words) => Some(words),
            _ => None,
        }
    }

    /// What to do about a failure of the server for which its problem names no cure.
    fn cure(&self) -> &'static str {
        match self.problem {
            ResponseProblem::Status | ResponseProblem::Said(_)
                if self.head.status.is_server_error() =>
            {
                "; the host or a proxy in front of it has a fault: try again later"
            }
            _ => "",
        }
    }

    pub(super) fn is_transient(&self) -> bool {
        let status = self.head.status.as_u16();
        status >= 500 || matches!(status, 408 | 429) || self.problem.is_foreign()
    }
}

impl ResponseProblem {
    /// Returns why a body with these headers could not be decoded.
    pub(crate) fn undecodable(headers: &HeaderMap, body: &[u8], error: &serde_json::Error) -> Self {
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let is_html = content_type.is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            text.starts_with(b"text/html") || text.starts_with(b"application/xhtml")
        });
        match without_byte_order_mark(body).trim_ascii_start().first() {
            None => Self::Empty,
            Some(b'<') => Self::WebPage,
            Some(_) if is_html => Self::WebPage,
            Some(_) => Self::not_json(error),
        }
    }

    /// Returns where and why JSON could not be decoded. Of serde's own words only the name of a missing
    /// field is kept: it comes from this program, and the other words can contain what was read.
    pub(crate) fn not_json(error: &serde_json::Error) -> Self {
        let reason = match error.classify() {
            Category::Data => missing_field(error).map_or(
                "its JSON does not fit the type that was asked for".into(),
                |field| format!("it has no field `{field}`, which the type needs").into(),
            ),
            Category::Eof => "its JSON is incomplete".into(),
            Category::Syntax | Category::Io => "it is not JSON".into(),
        };
        Self::NotJson {
            reason,
            line: error.line(),
            column: error.column(),
        }
    }

    /// Whether the body comes from something between this program and the host.
    fn is_foreign(&self) -> bool {
        matches!(self, Self::WebPage | Self::Empty)
    }
}

/// Returns the field that the type needs and the JSON does not have, if its name is a plain word.
fn missing_field(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let (field, _) = text.strip_prefix("missing field `")?.split_once('`')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let is_name = field.len() <= MAX_FIELD_NAME && field.chars().all(is_plain);
    is_name.then(|| field.to_owned())
}

/// What is known of a response without its body.
#[derive(Clone, Debug)]
pub(crate) struct ResponseHead {
    /// The request's method, host and path.
    pub(crate) endpoint: String,
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) correlation_id: Option<String>,
}

impl ResponseHead {
    /// Returns the correlation id as the end of an error's first sentence, or an empty text.
    pub(super) fn id(&self) -> String {
        let id = self.correlation_id.as_deref();
        id.map_or_else(String::new, |id| format!(" (correlation id {id})"))
    }
}

impl fmt::Display for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            endpoint, status, ..
        } = self;
        write!(f, "{endpoint} returned HTTP {}", status.as_u16())
    }
}

/// In bytes.
const MAX_FIELD_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use serde::{Deserialize, de::DeserializeOwned};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only decoding counts")]
    struct User {
        name: String,
    }

    #[derive(Debug)]
    struct Custom;

    impl<'de> Deserialize<'de> for Custom {
        fn deserialize<D: serde::Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
            let text = String::deserialize(json)?;
            Err(serde::de::Error::custom(format!("missing field `{text}`")))
        }
    }

    fn reason<T: DeserializeOwned + fmt::Debug>(json: &str) -> String {
        let error = serde_json::from_str::<T>(json).unwrap_err();
        ResponseProblem::not_json(&error).to_string()
    }

    #[test]
    fn undecodable_body_names_a_missing_field_and_nothing_it_has() {
        for (shown, reason) in [
            (
                reason::<User>(r#"{"id":"sentinel"}"#),
                "it has no field `name`",
            ),
            (reason::<User>(r#"{"name":5}"#), "its JSON does not fit"),
            (reason::<User>(r#"{"name":"#), "its JSON is incomplete"),
            (reason::<User>("sentinel"), "it is not JSON"),
            (
                reason::<Custom>(r#""sentinel in words""#),
                "its JSON does not fit",
            ),
        ] {
            let start = format!("with a body that cannot be decoded: {reason}");
            assert!(shown.starts_with(&start), "{shown}");
            assert!(!shown.contains("sentinel"), "{shown}");
        }
    }
}
