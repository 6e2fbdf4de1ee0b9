//! Transport errors: why no response arrived.

use std::{error, io, iter::successors};

use super::upload::UploadFailed;
use crate::error::{Error, ErrorKind, Peer, TimedOut, TransportError, TransportKind};

/// Converts an error of a request to `peer`, which had this time. `correlation_id` is that of a response
/// whose body broke off.
pub(super) fn transport_error(
    error: reqwest::Error,
    peer: Peer,
    time: TimedOut,
    correlation_id: Option<String>,
) -> Error {
    let kind = transport_kind(&error);
    ErrorKind::Transport(TransportError {
        kind,
        peer,
        nothing_sent: error.is_connect() || is_refused_stream(&error),
        cause: cause_of(&error, kind),
        correlation_id,
        timed_out: (kind == TransportKind::Timeout).then_some(time),
        // A query may contain personal data.
        source: Some(error.without_url()),
    })
    .into()
}

fn transport_kind(error: &reqwest::Error) -> TransportKind {
    let mentions = |text: &str| mentions(error, text);
    if causes(error).any(<dyn error::Error>::is::<UploadFailed>) {
        TransportKind::Upload
    } else if error.is_connect() && error.is_timeout() {
        TransportKind::ConnectTimeout
    } else if error.is_connect() {
        connect_error_kind(error)
    } else if error.is_timeout() {
        TransportKind::Timeout
    } else if io_kinds(error).any(is_reset) {
        TransportKind::Reset
    } else if mentions("message head is too large") || is_malformed_stream(error) {
        TransportKind::ResponseHead
    } else if mentions("invalid http") || mentions("-length parsed") || mentions("-encoding parsed")
    {
        TransportKind::NotHttp
    } else if error.is_request() || error.is_body() || error.is_decode() {
        TransportKind::Interrupted
    } else {
        TransportKind::Other
    }
}

/// Returns why there is no connection. Without an error of the operating system it is TLS that
/// failed, or the tunnel through a proxy.
fn connect_error_kind(error: &reqwest::Error) -> TransportKind {
    let mentions = |text: &str| mentions(error, text);
    if mentions("proxy authorization required") {
        TransportKind::ProxyAuthentication
    } else if mentions("dns error") {
        TransportKind::Dns
    } else if io_kinds(error).any(|kind| kind == io::ErrorKind::ConnectionRefused) {
        TransportKind::Refused
    } else if io_kinds(error).any(|kind| matches!(kind, io::ErrorKind::InvalidData)) {
        TransportKind::Tls
    } else if mentions("tunnel error: ")
        && (!mentions("failed to create underlying connection") || names_a_scheme(error))
    {
        TransportKind::ProxyTunnel
    } else if io_kinds(error).any(is_reset) {
        TransportKind::Reset
    } else if mentions("tcp connect error") {
        TransportKind::Unreachable
    } else {
        TransportKind::Tls
    }
}

/// Whether the proxy's URL has another scheme than http and https.
fn names_a_scheme(error: &reqwest::Error) -> bool {
    SCHEME_FAULTS.iter().any(|words| mentions(error, words))
}

/// Returns the cause that the libraries below name only in their texts, and its cure.
fn cause_of(error: &reqwest::Error, kind: TransportKind) -> Option<&'static str> {
    let causes: &[(&[&str], &str)] = match kind {
        TransportKind::Tls => TLS_CAUSES,
        TransportKind::ProxyTunnel => TUNNEL_CAUSES,
        _ => return None,
    };
    let is_named = |words: &&[&str]| words.iter().any(|words| mentions(error, words));
    let found = causes.iter().find(|(words, _)| is_named(words));
    found.map(|(_, cause)| *cause)
}

/// Whether the server refused the request's stream before it processed anything (RFC 9113 8.7): by a
/// reset, or by closing the connection for this stream and all later ones.
#[cfg(feature = "http2")]
fn is_refused_stream(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<h2::Error>())
        .any(|error| {
            let is_refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
            error.is_remote() && (error.is_go_away() || error.is_reset() && is_refused)
        })
}

#[cfg(not(feature = "http2"))]
fn is_refused_stream(_: &reqwest::Error) -> bool {
    false
}

/// Whether this side ended the stream because it could not read the response's head. HTTP/2 does not
/// say more.
#[cfg(feature = "http2")]
fn is_malformed_stream(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<h2::Error>())
        .any(|error| {
            let is_malformed = error.reason() == Some(h2::Reason::PROTOCOL_ERROR);
            error.is_library() && error.is_reset() && is_malformed
        })
}

#[cfg(not(feature = "http2"))]
fn is_malformed_stream(_: &reqwest::Error) -> bool {
    false
}

fn is_reset(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// Whether a cause's text contains `words`, which are in lower case.
fn mentions(error: &reqwest::Error, words: &str) -> bool {
    causes(error).any(|cause| cause.to_string().to_ascii_lowercase().contains(words))
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn error::Error + 'static)> {
    use error::Error as _;
    successors(error.source(), |cause| (*cause).source())
}

/// Returns the kinds of all I/O errors in the chain, which may be nested in each other.
fn io_kinds(error: &reqwest::Error) -> impl Iterator<Item = io::ErrorKind> {
    let outer = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    outer
        .flat_map(|outer| successors(Some(outer), |error| error.get_ref()?.downcast_ref()))
        .map(io::Error::kind)
}

/// What rustls and OpenSSL write, in lower case, and what it means.
const TLS_CAUSES: &[(&[&str], &str)] = &[
    (
        &[
            "unknownissuer",
            "unknown issuer",
            "issuer certificate",
            "self-signed",
            "self signed",
        ],
        "this machine does not trust the authority that signed its certificate: where a proxy opens \
         TLS or the host has an authority of its own, add that one to the system's certificates \
         (SSL_CERT_FILE) or to the program's HttpClient",
    ),
    (
        &[
            "certificate expired",
            "certificate has expired",
            "certexpired",
        ],
        "its certificate has expired: check this machine's clock, and have the certificate renewed",
    ),
    (
        &["not valid yet", "not yet valid", "notvalidyet"],
        "its certificate is not valid yet: check this machine's clock",
    ),
    (
        &["not valid for name", "notvalidforname", "hostname mismatch"],
        "its certificate is for another name: check the host name, and what is in front of it",
    ),
    (
        &[
            "corrupt message",
            "wrong version number",
            "packet length too long",
        ],
        "it does not use TLS on this port: check the host and port",
    ),
    (
        &["badsignature", "signature failure"],
        "its certificate is not signed by the authority of that name that this machine trusts: update \
         that one in the system's certificates (SSL_CERT_FILE) or in the program's HttpClient",
    ),
    (
        &["revoked"],
        "its certificate has been revoked: have it replaced",
    ),
    (
        &["invalidpurpose", "unsupported certificate purpose"],
        "its certificate is not one of a server: have it replaced",
    ),
    (
        &["certificate"],
        "its certificate was not accepted: see the source error",
    ),
];

const SCHEME_FAULTS: &[&str] = &["unsupported scheme", "scheme is not http"];

const TUNNEL_CAUSES: &[(&[&str], &str)] = &[(
    SCHEME_FAULTS,
    "it is not an HTTP proxy: use one, or turn on the feature `socks` of reqwest for a SOCKS proxy",
)];
