//! Which request is the right one.

use std::borrow::Cow;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use httparse::{EMPTY_HEADER, Error, Header, Request, Status};
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

use super::{Authority, Expected, LONGEST_HEAD, Reason};

/// What to do with a connection after what it has sent.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Read on.
    Incomplete,
    /// The right request, with this query.
    Callback(SecretString),
    TurnedAway(Reason),
}

/// Judges the start of a request, as far as it was read.
pub(super) fn judge(head: &[u8], authority: Authority, expected: &Expected) -> Verdict {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(head) {
        Ok(Status::Complete(_)) => match query(&request, authority, expected) {
            Ok(query) => Verdict::Callback(query.into()),
            Err(reason) => Verdict::TurnedAway(reason),
        },
        Ok(Status::Partial) if head.len() < LONGEST_HEAD => Verdict::Incomplete,
        Ok(Status::Partial) | Err(Error::TooManyHeaders) => Verdict::TurnedAway(Reason::TooLarge),
        Err(_) => Verdict::TurnedAway(Reason::Garbage),
    }
}

/// The query of the right request.
fn query<'head>(
    request: &Request<'_, 'head>,
    authority: Authority,
    expected: &Expected,
) -> Result<&'head str, Reason> {
    let target = request.path.unwrap_or_default();
    if request.version != Some(1)
        || !target
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
    {
        return Err(Reason::Garbage);
    }
    if request.method != Some("GET") {
        return Err(Reason::Method);
    }
    let host = only(values(request.headers, "host"));
    if !host.is_some_and(|host| str::from_utf8(host).is_ok_and(|host| authority.is(host))) {
        return Err(Reason::Host);
    }
    // As it is, undecoded: a browser sends the path that it was given.
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path != expected.path {
        return Err(Reason::Path);
    }
    if is_prefetch(request.headers) {
        return Err(Reason::Prefetch);
    }
    if !only(parameters(query, &["state"])).is_some_and(|state| is(&state, &expected.state)) {
        return Err(Reason::State);
    }
    if only(parameters(query, &["code", "error"])).is_none_or(|answer| answer.is_empty()) {
        return Err(Reason::Answer);
    }
    Ok(query)
}

fn is_prefetch(headers: &[Header<'_>]) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"]
        .iter()
        .flat_map(|name| values(headers, name))
        .any(|value| {
            let value = value.to_ascii_lowercase();
            let has = |word: &[u8]| value.windows(word.len()).any(|part| part == word);
            has(b"prefetch") || has(b"prerender") || has(b"preview")
        })
}

fn values<'a>(headers: &[Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

/// The values of the parameters with one of these names, however it is encoded.
fn parameters<'a>(query: &'a str, names: &[&str]) -> impl Iterator<Item = Cow<'a, str>> {
    form_urlencoded::parse(query.as_bytes())
        .filter(move |(name, _)| names.contains(&name.as_ref()))
        .map(|(_, value)| value)
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|_| all.next().is_none())
}

fn is(state: &str, expected: &SecretString) -> bool {
    verify_slices_are_equal(state.as_bytes(), expected.expose_secret().as_bytes()).is_ok()
}

const MOST_HEADERS: usize = 64;
