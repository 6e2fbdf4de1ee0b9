//! At which step a request failed.

use std::{error, io, iter::successors};

use super::UploadFailed;
use crate::error::{Error, ErrorKind, TransportError, TransportKind};

/// What reqwest could not do with `host`.
pub(super) fn transport(error: reqwest::Error, host: String) -> Error {
    ErrorKind::Transport(TransportError {
        kind: step(&error),
        host,
        nothing_sent: error.is_connect(),
        // A query may hold what is nobody's business.
        source: Some(error.without_url()),
    })
    .into()
}

fn step(error: &reqwest::Error) -> TransportKind {
    if chain(error).any(<dyn error::Error>::is::<UploadFailed>) {
        TransportKind::Upload
    } else if error.is_connect() && error.is_timeout() {
        TransportKind::ConnectTimeout
    } else if error.is_connect() {
        connect(error)
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

/// Why there is no connection. Where the system said nothing, it is TLS that failed, unless it is
/// the way through a proxy.
fn connect(error: &reqwest::Error) -> TransportKind {
    let told = |text: &str| chain(error).any(|cause| cause.to_string().contains(text));
    if told("dns error") {
        TransportKind::Dns
    } else if io_kinds(error).any(|kind| kind == io::ErrorKind::ConnectionRefused) {
        TransportKind::Refused
    } else if io_kinds(error).any(|kind| matches!(kind, io::ErrorKind::InvalidData)) {
        TransportKind::Tls
    } else if io_kinds(error).any(is_reset) {
        TransportKind::Reset
    } else if told("tunnel") || told("tcp connect error") {
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

/// An error's causes.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn error::Error + 'static)> {
    use error::Error as _;
    successors(error.source(), |cause| (*cause).source())
}

/// What the system said, in errors that hold others of the kind as well.
fn io_kinds(error: &reqwest::Error) -> impl Iterator<Item = io::ErrorKind> {
    let outer = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    outer
        .flat_map(|outer| successors(Some(outer), |error| error.get_ref()?.downcast_ref()))
        .map(io::Error::kind)
}
