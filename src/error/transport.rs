//! Requests without a response.

use std::{fmt, time::Duration};

use url::Url;

use super::local::Seconds;

/// No response arrived.
#[derive(Debug, thiserror::Error)]
pub struct TransportError {
    pub(crate) kind: TransportKind,
    pub(crate) peer: Peer,
    pub(crate) nothing_sent: bool,
    /// The cause and its cure, where more is known than the kind.
    pub(crate) cause: Option<&'static str>,
    /// The id of the response whose body broke off.
    pub(crate) correlation_id: Option<String>,
    /// The request whose time is over.
    pub(crate) timed_out: Option<TimedOut>,
    pub(crate) source: Option<reqwest::Error>,
}

/// A request that had no complete response within its time.
#[derive(Debug)]
pub(crate) struct TimedOut {
    /// The request's method and path.
    pub(crate) endpoint: String,
    pub(crate) limit: Duration,
}

/// The host that a request is for, and the proxy on the way to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) proxy: Option<Proxy>,
}

/// A proxy, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    /// Its host and port.
    pub(crate) address: Option<String>,
    pub(crate) origin: ProxyOrigin,
}

/// Where a proxy is set.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum ProxyOrigin {
    #[error("from the environment variable {0}")]
    Variable(&'static str),
    #[error("from the system's settings")]
    System,
    #[error("set by the program's HttpClient")]
    HttpClient,
}

/// The step at which a request failed, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// The name of the host, or of the proxy in front of it, could not be resolved.
    Dns,
    /// The host, or the proxy in front of it, refused the connection.
    Refused,
    /// The host, or the proxy in front of it, could not be reached.
    Unreachable,
    /// The proxy requires a user and a password, or other ones (HTTP 407).
    ProxyAuthentication,
    /// The proxy did not open a tunnel to the host.
    ProxyTunnel,
    /// TLS failed, for example because the certificate is not trusted or the host does not use TLS.
    Tls,
    /// There was no connection in time.
    ConnectTimeout,
    /// The other side reset the connection.
    Reset,
    /// The connection ended before the response was complete.
    Interrupted,
    /// The head of the response is too large: more than 100 header lines, for example.
    ResponseHead,
    /// What arrived is not HTTP.
    NotHttp,
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
        &self.peer.host
    }

    /// Returns host and port of the proxy on the way to the host, if there is one and its address is
    /// known.
    #[must_use]
    pub fn proxy(&self) -> Option<&str> {
        self.peer.proxy.as_ref()?.address.as_deref()
    }

    /// Whether nothing of the request was sent or processed, so that it can safely be repeated.
    #[must_use]
    pub fn nothing_sent(&self) -> bool {
        self.nothing_sent
    }

    /// Whether the same may succeed later without anyone acting.
    pub(super) fn is_transient(&self) -> bool {
        match self.kind {
            // The stream that failed is the caller's.
            TransportKind::Upload
            | TransportKind::ProxyAuthentication
            | TransportKind::ResponseHead => false,
            _ => true,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = &self.peer;
        // Connections are made to the proxy, where there is one.
        let first = peer.first_hop();
        match self.kind {
            TransportKind::Dns => write!(f, "the name of {first} could not be resolved"),
            TransportKind::Refused => write!(f, "{first} refused the connection"),
            TransportKind::Unreachable => write!(f, "{first} could not be reached"),
            TransportKind::ProxyAuthentication => write!(
                f,
                "{first} requires a user and a password, or other ones (HTTP 407)"
            ),
            TransportKind::ProxyTunnel => write!(f, "{first} did not open a tunnel"),
            TransportKind::Tls => write!(f, "TLS with {peer} failed"),
            TransportKind::ConnectTimeout => write!(f, "connecting to {first} timed out"),
            TransportKind::Reset => write!(f, "{peer} reset the connection"),
            TransportKind::Interrupted => write!(
                f,
                "the connection to {peer} ended before the response was complete"
            ),
            TransportKind::ResponseHead => write!(
                f,
                "the head of the response from {peer} is too large: it has more than 100 header \
                 lines, or too many bytes"
            ),
            TransportKind::NotHttp => write!(f, "{peer} sent something that is not HTTP"),
            TransportKind::Timeout => match &self.timed_out {
                Some(TimedOut { endpoint, limit }) => write!(
                    f,
                    "{peer} did not send a complete response to {endpoint} within {} s",
                    Seconds(*limit)
                ),
                None => write!(f, "{peer} did not send a complete response in time"),
            },
            TransportKind::Upload => {
                write!(f, "the stream of the request's body for {peer} failed")
            }
            TransportKind::Other => write!(f, "the request to {peer} failed"),
        }?;
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        match self.cause.or_else(|| self.cure()) {
            Some(words) => write!(f, "; {words}"),
            None => Ok(()),
        }
    }
}

impl TransportError {
    fn cure(&self) -> Option<&'static str> {
        let has_proxy = self.peer.proxy.is_some();
        Some(match self.kind {
            TransportKind::Dns => "check the name and this machine's DNS",
            TransportKind::Refused => "check the host and port, and that its service runs",
            TransportKind::Unreachable | TransportKind::ConnectTimeout if has_proxy => {
                "check the proxy, its port, and the network to it"
            }
            TransportKind::Unreachable | TransportKind::ConnectTimeout => {
                "check the network and the firewall, and whether a proxy is needed"
            }
            TransportKind::ProxyAuthentication => {
                "put them into the proxy's URL, percent-encoded: http://user:password@host:port"
            }
            TransportKind::ProxyTunnel => "check that the proxy allows HTTPS to this host and port",
            TransportKind::Tls => "check that the host supports TLS 1.2 or 1.3 on this port",
            TransportKind::ResponseHead => "check the gateway or proxy in front of the host",
            TransportKind::NotHttp => "check the host and port, and the proxies on the way",
            TransportKind::Upload | TransportKind::Other => "see the source error",
            TransportKind::Reset | TransportKind::Interrupted | TransportKind::Timeout => {
                return None;
            }
        })
    }
}

impl Peer {
    /// Returns where a request to `url` goes, without a proxy.
    pub(crate) fn of(url: &Url) -> Self {
        Self {
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default(),
            proxy: None,
        }
    }

    /// Returns the host, or the proxy in front of it.
    fn first_hop(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("{proxy} on the way to {}", self.address()),
            None => self.address(),
        }
    }

    fn address(&self) -> String {
        let port = self
            .port
            .map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{port}", self.host)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address())?;
        let proxy = self.proxy.as_ref();
        proxy.map_or(Ok(()), |proxy| write!(f, " through {proxy}"))
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) => write!(f, "the proxy {address} ({})", self.origin),
            None => write!(f, "a proxy ({})", self.origin),
        }
    }
}
