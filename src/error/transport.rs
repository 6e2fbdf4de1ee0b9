//! Requests without a response, and responses that cannot be used.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};

use crate::outside_text::without_byte_order_mark;

/// No response arrived.
#[derive(Debug, thiserror::Error)]
pub struct TransportError {
    pub(crate) kind: TransportKind,
    pub(crate) host: String,
    pub(crate) nothing_sent: bool,
    pub(crate) source: Option<reqwest::Error>,
}

/// The step at which a request failed, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// The host's name could not be resolved.
    Dns,
    /// The connection was refused.
    Refused,
    /// The host, or the proxy in front of it, could not be reached.
    Unreachable,
    /// TLS failed, for example because the certificate is not trusted or the host does not use TLS.
    Tls,
    /// There was no connection in time.
    ConnectTimeout,
    /// The other side reset the connection.
    Reset,
    /// The connection ended before the response was complete.
    Interrupted,
    /// There was no complete response in time.
    Timeout,
    /// The stream that supplied the request's body failed.
    Upload,
    /// Anything else.
    Other,
}

impl TransportError {
    /// Returns the step at which the request failed.
    #[must_use]
    pub fn kind(&self) -> TransportKind {
        self.kind
    }

    /// Returns the host that the request was for.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether nothing of the request was sent, so that it can safely be repeated.
    #[must_use]
    pub fn nothing_sent(&self) -> bool {
        self.nothing_sent
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match self.kind {
            TransportKind::Dns => write!(
                f,
                "the host name {host} could not be resolved; check the name and this machine's DNS"
            ),
            TransportKind::Refused => write!(
                f,
                "{host} refused the connection; check the host and port, and that its service runs"
            ),
            TransportKind::Unreachable => write!(
                f,
                "{host} could not be reached; check the network, the firewall and the proxy"
            ),
            TransportKind::Tls => write!(
                f,
                "TLS with {host} failed; check that this machine trusts the host's certificate"
            ),
            TransportKind::ConnectTimeout => write!(
                f,
                "connecting to {host} timed out; check the network, the firewall and the proxy"
            ),
            TransportKind::Reset => write!(f, "{host} reset the connection"),
            TransportKind::Interrupted => write!(
                f,
                "the connection to {host} ended before the response was complete"
            ),
            TransportKind::Timeout => write!(f, "{host} did not send a response in time"),
            TransportKind::Upload => write!(
                f,
                "the stream of the request's body for {host} failed; see the source error"
            ),
            TransportKind::Other => {
                write!(f, "the request to {host} failed; see the source error")
            }
        }
    }
}

/// A response arrived that cannot be used. Its body is not kept.
#[derive(Debug, thiserror::Error)]
#[error("{head} {problem}{}", head.id())]
pub struct UnexpectedResponse {
    pub(crate) head: ResponseHead,
    pub(crate) problem: ResponseProblem,
}

/// Why a response cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResponseProblem {
    #[error("without a readable reason")]
    Status,
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
    #[error("with a body that cannot be decoded ({category:?} at line {line}, column {column})")]
    NotJson {
        category: serde_json::error::Category,
        line: usize,
        column: usize,
    },
    #[error("without an access_token")]
    NoToken,
    #[error("with a token that cannot be used: {0}")]
    BadToken(&'static str),
    #[error("with a listing whose next page cannot be requested: {0}")]
    Paging(&'static str),
}

impl UnexpectedResponse {
    pub(super) fn is_transient(&self) -> bool {
        let status = self.head.status.as_u16();
        status >= 500 || matches!(status, 408 | 429) || self.problem.is_foreign()
    }
}

impl ResponseProblem {
    /// Returns why a body with these headers could not be decoded.
    pub(crate) fn not_json(headers: &HeaderMap, body: &[u8], error: &serde_json::Error) -> Self {
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let is_html = content_type.is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            text.starts_with(b"text/html") || text.starts_with(b"application/xhtml")
        });
        match without_byte_order_mark(body).trim_ascii_start().first() {
            None => Self::Empty,
            Some(b'<') => Self::WebPage,
            Some(_) if is_html => Self::WebPage,
            Some(_) => Self::NotJson {
                category: error.classify(),
                line: error.line(),
                column: error.column(),
            },
        }
    }

    /// Whether the body comes from something between this program and the host.
    fn is_foreign(&self) -> bool {
        matches!(self, Self::WebPage | Self::Empty)
    }
}

/// What is known of a response without its body.
#[derive(Clone, Debug)]
pub(crate) struct ResponseHead {
    /// The request's method and path.
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
