//! What the browser brought back from the login page: as a server saw it, or as a user pasted it.
//!
//! Source: RFC 6749 4.1.2; Genesys Cloud Developer Center, "Authorization".

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::SecretString;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::error::{CallbackFault, Error, LoginError};

/// The code in `callback`, which is a URL, the path of one with its query, or the query alone.
///
/// Nothing of it is believed before its `state` is the expected one. Of a URL only the path has to
/// be that of the redirect URI: behind a proxy a web application sees a scheme, a host and a port of
/// its own, and it is the state that tells whose callback this is.
///
/// # Errors
/// `LoginErrorKind::Denied` for the true callback that brings an error instead;
/// `LoginErrorKind::ImplicitGrant` and `LoginErrorKind::Callback` for what does not end this login.
pub(super) fn code_of(
    callback: &str,
    redirect_uri: &Url,
    state: &str,
) -> Result<SecretString, Error> {
    if callback.len() > MOST_BYTES {
        return Err(CallbackFault::TooLong.into());
    }
    let callback = callback.trim();
    if callback.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(CallbackFault::NoUrl.into());
    }
    let (callback, fragment) = callback.split_once('#').unwrap_or((callback, ""));
    let (place, query) = match callback.split_once('?') {
        Some(parts) => parts,
        None if callback.starts_with('/') || callback.contains("://") => (callback, ""),
        None => ("", callback),
    };
    if is_implicit_grant(query) || is_implicit_grant(fragment) {
        return Err(LoginError::implicit_grant().into());
    }
    if place.is_empty() && !query.contains('=') {
        return Err(CallbackFault::NoUrl.into());
    }
    if !place.is_empty() && path_of(place)? != redirect_uri.path() {
        return Err(CallbackFault::Elsewhere.into());
    }
    code_in(query, state)
}

fn code_in(query: &str, expected: &str) -> Result<SecretString, Error> {
    match values(query, "state").as_slice() {
        [state] if is_same(state, expected) => {}
        [_] => return Err(CallbackFault::State.into()),
        [] => return Err(CallbackFault::NoState.into()),
        _ => return Err(CallbackFault::Doubled.into()),
    }
    let (codes, errors) = (values(query, "code"), values(query, "error"));
    let fault = match (codes.as_slice(), errors.as_slice()) {
        ([code], []) if !code.is_empty() => return Ok(code.as_str().into()),
        ([], [error]) if !error.is_empty() => {
            let descriptions = values(query, "error_description");
            let description = descriptions.first().map(|text| text.as_str());
            return Err(LoginError::denied(error, description, &[expected]).into());
        }
        ([_] | [], []) | ([], [_]) => CallbackFault::NoCode,
        ([_, ..], [_, ..]) => CallbackFault::CodeAndError,
        _ => CallbackFault::Doubled,
    };
    Err(fault.into())
}

/// The values that a query gives to `name`; any other name, such as `iss`, is passed over.
fn values(query: &str, name: &str) -> Vec<Zeroizing<String>> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(given, _)| given == name)
        .map(|(_, value)| Zeroizing::new(value.into_owned()))
        .collect()
}

fn is_same(state: &str, expected: &str) -> bool {
    verify_slices_are_equal(state.as_bytes(), expected.as_bytes()).is_ok()
}

/// What the implicit grant asks for, or answers.
fn is_implicit_grant(parameters: &str) -> bool {
    let kinds = values(parameters, "response_type");
    let asks = |kind: &Zeroizing<String>| kind.split(' ').any(|kind| kind == "token");
    kinds.iter().any(asks) || !values(parameters, "access_token").is_empty()
}

/// The path of a URL whose scheme, or all before its path, may have been left out.
fn path_of(place: &str) -> Result<String, Error> {
    let url = if place.starts_with('/') {
        Url::parse(&format!("http://localhost{place}"))
    } else if place.contains("://") {
        Url::parse(place)
    } else {
        Url::parse(&format!("http://{place}"))
    };
    let url = url.map_err(|_| Error::from(CallbackFault::NoUrl))?;
    Ok(url.path().to_owned())
}

/// What is read of a callback; a listener takes as much.
const MOST_BYTES: usize = 16 * 1024;

#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
