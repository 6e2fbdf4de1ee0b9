//! Transport errors: why no response arrived.

use std::{error, io, iter::successors};

use url::Url;

use super::upload::UploadFailed;
use crate::error::{Error, ErrorKind, TransportError, TransportKind};

/// Converts an error of a request to `url`.
pub(super) fn transport_error(error: reqwest::Error, url: Option<&Url>) -> Error {
    ErrorKind::Transport(TransportError {
        kind: transport_kind(&error),
        host: url.and_then(Url::host_str).unwrap_or_default().to_owned(),
        nothing_sent: error.is_connect(),
        // A query may contain personal data.
        source: Some(error.without_url()),
    })
    .into()
}

fn transport_kind(error: &reqwest::Error) -> TransportKind {
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
    } else if error.is_request() || error.is_body() || error.is_decode() {
        TransportKind::Interrupted
    } else {
        TransportKind::Other
    }
}

/// Returns why there is no connection. Without an error of the operating system it is TLS that
/// failed, or the tunnel through a proxy.
fn connect_error_kind(error: &reqwest::Error) -> TransportKind {
    let mentions = |text: &str| causes(error).any(|cause| cause.to_string().contains(text));
    if mentions("dns error") {
        TransportKind::Dns
    } else if io_kinds(error).any(|kind| kind == io::ErrorKind::ConnectionRefused) {
        TransportKind::Refused
    } else if io_kinds(error).any(|kind| matches!(kind, io::ErrorKind::InvalidData)) {
        TransportKind::Tls
    } else if io_kinds(error).any(is_reset) {
        TransportKind::Reset
    } else if mentions("tunnel") || mentions("tcp connect error") {
        TransportKind::Unreachable
    } else {
        TransportKind::Tls
    }
}

fn is_reset(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
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
