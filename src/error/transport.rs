//! No answer, or none that can be used.

use std::fmt;

use super::Head;

/// No answer came back.
#[derive(Debug)]
pub struct Transport {
    pub(crate) kind: TransportKind,
    pub(crate) host: String,
    pub(crate) nothing_sent: bool,
    pub(crate) source: Option<reqwest::Error>,
}

/// At which step it failed, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// The host's name has no address.
    Dns,
    /// Nobody listens there: the connection was refused.
    Refused,
    /// No way to the host, or to the proxy before it.
    Unreachable,
    /// No TLS session: a certificate that is not trusted, say, or a host that speaks no TLS.
    Tls,
    /// No connection in time.
    ConnectTimeout,
    /// The other side reset the connection.
    Reset,
    /// The connection ended before the answer was whole.
    Interrupted,
    /// No whole answer in time.
    Timeout,
    /// The stream that the request's body came from failed.
    Upload,
    /// Anything else.
    Other,
}

impl Transport {
    /// At which step it failed.
    #[must_use]
    pub fn kind(&self) -> TransportKind {
        self.kind
    }

    /// The host that was asked.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the server can have seen nothing of the request, so that it may safely be repeated.
    #[must_use]
    pub fn nothing_sent(&self) -> bool {
        self.nothing_sent
    }

    pub(super) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match self.kind {
            TransportKind::Dns => write!(f, "the name {host} could not be resolved"),
            TransportKind::Refused => write!(f, "nobody listens at {host}: connection refused"),
            TransportKind::Unreachable => write!(f, "no connection to {host}"),
            TransportKind::Tls => write!(
                f,
                "no TLS session with {host}: see whether its certificate is trusted here"
            ),
            TransportKind::ConnectTimeout => write!(f, "no connection to {host} in time"),
            TransportKind::Reset => write!(f, "{host} reset the connection"),
            TransportKind::Interrupted => write!(f, "the connection to {host} broke"),
            TransportKind::Timeout => write!(f, "no answer from {host} in time"),
            TransportKind::Upload => write!(f, "the stream of the body for {host} failed"),
            TransportKind::Other => write!(f, "the request to {host} failed"),
        }
    }
}

/// An answer came back that nobody can use. Its body is never kept.
#[derive(Debug)]
pub struct UnexpectedResponse {
    pub(crate) head: Head,
    pub(crate) problem: Problem,
}

/// What is wrong with an answer.
#[derive(Debug)]
pub(crate) enum Problem {
    /// A status that says nothing more.
    Status,
    /// A redirection, which is never followed with credentials.
    Redirect,
    TooLong {
        most: usize,
    },
    /// Content coding that nobody asked for.
    Encoded,
    NotUtf8,
    /// Where the decoder stopped; never what it read.
    NotJson(Undecodable),
    NoToken,
    BadToken(&'static str),
    /// A listing that cannot be followed to its next page.
    Paging(&'static str),
}

/// Where and how JSON could not be decoded, without a word of it.
#[derive(Debug)]
pub(crate) struct Undecodable {
    category: serde_json::error::Category,
    line: usize,
    column: usize,
}

impl From<&serde_json::Error> for Undecodable {
    fn from(error: &serde_json::Error) -> Self {
        Self {
            category: error.classify(),
            line: error.line(),
            column: error.column(),
        }
    }
}

impl UnexpectedResponse {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The id under which Genesys Cloud's support finds the request.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.head.correlation_id.as_deref()
    }

    pub(super) fn is_transient(&self) -> bool {
        self.status() >= 500 || matches!(self.status(), 408 | 429)
    }
}

impl fmt::Display for UnexpectedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Head { status, place, .. } = &self.head;
        write!(f, "{place} answered HTTP {status} ")?;
        match &self.problem {
            Problem::Status => f.write_str("and no reason that can be read"),
            Problem::Redirect => f.write_str(
                "with a redirection, which is not followed with credentials; check the region's hosts, \
                 or take the answer's `location()` where one is expected",
            ),
            Problem::TooLong { most } => write!(f, "with more than {most} bytes"),
            Problem::Encoded => f.write_str("in a content coding that was not asked for"),
            Problem::NotUtf8 => f.write_str("with text that is not UTF-8"),
            Problem::NotJson(Undecodable {
                category,
                line,
                column,
            }) => write!(
                f,
                "with a body that does not decode ({category:?} at line {line}, column {column})"
            ),
            Problem::NoToken => f.write_str("without an access_token"),
            Problem::BadToken(why) => write!(f, "with a token that cannot be used: {why}"),
            Problem::Paging(why) => write!(f, "with a listing that is not followed further: {why}"),
        }
    }
}
