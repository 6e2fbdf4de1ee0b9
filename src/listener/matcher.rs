//! Matches a request with the expected callback.

use httparse::{EMPTY_HEADER, Error, Header, Request, Status};
use secrecy::SecretString;

use super::{bind::Authority, head::MAX_HEAD_BYTES, rejection::Rejection};
use crate::callback::{Parameters, Redirect};

/// The path and `state` of the callback.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The redirect URI's path as a browser sends it: at least `/`, percent-encoded.
    pub(crate) path: String,
    pub(crate) state: SecretString,
}

/// The result for the bytes that a connection has sent so far.
#[derive(Debug)]
pub(super) enum Match {
    /// More bytes are needed.
    Incomplete,
    Callback(Redirect),
    Rejected(Rejection),
}

pub(super) fn match_request(head: &[u8], authority: Authority, expected: &Expected) -> Match {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(head) {
        Ok(Status::Complete(_)) => match redirect_of(&request, authority, expected) {
            Ok(redirect) => Match::Callback(redirect),
            Err(rejection) => Match::Rejected(rejection),
        },
        Ok(Status::Partial) if head.len() < MAX_HEAD_BYTES => Match::Incomplete,
        Ok(Status::Partial) if request.version.is_none() => Match::Rejected(Rejection::LongTarget),
        Ok(Status::Partial) => Match::Rejected(Rejection::TooLarge),
        Err(Error::TooManyHeaders) => Match::Rejected(Rejection::TooManyHeaders),
        Err(_) => Match::Rejected(Rejection::Malformed),
    }
}

fn redirect_of(
    request: &Request<'_, '_>,
    authority: Authority,
    expected: &Expected,
) -> Result<Redirect, Rejection> {
    let target = request.path.unwrap_or_default();
    let is_graphic = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    if request.version != Some(1) || !target.bytes().all(is_graphic) {
        return Err(Rejection::Malformed);
    }
    if request.method != Some("GET") {
        return Err(Rejection::Method);
    }
    let (host, target) = split_target(target);
    if !has_host(request.headers, host, authority) {
        return Err(Rejection::Host);
    }
    // A browser sends the path as it is in the redirect URI, so it is not decoded.
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_root = path.is_empty() && host.is_some() && expected.path == "/";
    if path != expected.path && !is_root {
        return Err(Rejection::Path);
    }
    if is_prefetch(request.headers) {
        return Err(Rejection::Prefetch);
    }
    let parameters =
        Parameters::with_state(query, &expected.state).map_err(|_| Rejection::State)?;
    parameters.redirect().map_err(|_| Rejection::Parameters)
}

/// The host of a target in absolute form, as proxies send it, and the rest of the target.
fn split_target(target: &str) -> (Option<&str>, &str) {
    match target.split_at_checked("http://".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http://") => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (host, rest) = rest.split_at_checked(end).unwrap_or_default();
            (Some(host), rest)
        }
        _ => (None, target),
    }
}

/// Whether the request is for this listener. The host in its target takes precedence over `Host`,
/// which there must be once in any case (RFC 9112 3.2, 3.2.2).
fn has_host(headers: &[Header<'_>], in_target: Option<&str>, authority: Authority) -> bool {
    let mut hosts = values(headers, "host");
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let host = in_target.or_else(|| str::from_utf8(host).ok());
    host.is_some_and(|host| authority.matches_host(host))
}

fn is_prefetch(headers: &[Header<'_>]) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"]
        .iter()
        .flat_map(|name| values(headers, name))
        .any(|value| {
            let value = value.to_ascii_lowercase();
            let contains = |word: &[u8]| value.windows(word.len()).any(|part| part == word);
            contains(b"prefetch") || contains(b"prerender") || contains(b"preview")
        })
}

fn values<'a>(headers: &[Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

/// The maximum number of header lines, which [`Rejection::TooManyHeaders`] names.
const MAX_HEADERS: usize = 64;
