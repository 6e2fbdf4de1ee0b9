//! Parses a redirect from the login page and compares its `state`, for the listener and the login.
//!
//! Source: RFC 6749 4.1.2; Genesys Cloud Developer Center, "Authorization".

mod unwrapped;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::error::{CallbackFault, Error, LoginError};

/// How the login page ended a login.
#[derive(Debug)]
pub(crate) enum Redirect {
    Code(SecretString),
    /// The login page sent an error in place of a code.
    Error(Error),
}

/// The parameters of a redirect that has the expected `state`. Nothing else of a redirect is
/// trusted before that comparison.
pub(crate) struct Parameters<'a> {
    query: &'a str,
    state: &'a SecretString,
}

/// Parses a callback as a web server received it or a user pasted it: a URL, its path with the
/// query, or the query alone.
///
/// Only the path of a URL is compared with the redirect URI. Behind a proxy a web application sees
/// another scheme, host and port, and the `state` already identifies the login. The text with which a
/// user copied it (line breaks, quotes, brackets) is removed.
///
/// # Errors
/// `LoginErrorKind::ImplicitGrant` and `Callback` for a callback that does not end this login.
pub(crate) fn parse(
    callback: &str,
    redirect_uri: &Url,
    state: &SecretString,
) -> Result<Redirect, Error> {
    if callback.len() > MAX_PASTED_BYTES {
        return Err(CallbackFault::TooLong.into());
    }
    let callback = unwrapped::joined(callback);
    if callback.len() > MAX_CALLBACK_BYTES {
        return Err(CallbackFault::TooLong.into());
    }
    let mut result = parse_joined(&callback, redirect_uri, state);
    // A code may end with a delimiter, so these are removed only where the address is wrong with them.
    let delimited = unwrapped::delimited(&callback);
    if result.is_err() && delimited.len() < callback.len() {
        result = parse_joined(delimited, redirect_uri, state);
    }
    if result.is_err() {
        let unescaped = unwrapped::unescaped(delimited);
        let delimited = unwrapped::delimited(&unescaped);
        return parse_joined(delimited, redirect_uri, state).or(result);
    }
    result
}

fn parse_joined(
    callback: &str,
    redirect_uri: &Url,
    state: &SecretString,
) -> Result<Redirect, Error> {
    if callback.contains(char::is_control) {
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
    Parameters::with_state(query, state)?.redirect()
}

impl<'a> Parameters<'a> {
    /// Compares the `state` in constant time.
    pub(crate) fn with_state(
        query: &'a str,
        state: &'a SecretString,
    ) -> Result<Self, CallbackFault> {
        let given = single(query, "state")?.ok_or(CallbackFault::NoState)?;
        verify_slices_are_equal(given.as_bytes(), state.expose_secret().as_bytes())
            .map_err(|_| CallbackFault::State)?;
        Ok(Self { query, state })
    }

    /// The one code, or the one error of the login page.
    pub(crate) fn redirect(&self) -> Result<Redirect, Error> {
        if is_implicit_grant(self.query) {
            return Err(LoginError::implicit_grant().into());
        }
        match (single(self.query, "code")?, single(self.query, "error")?) {
            (Some(code), None) if !code.is_empty() => Ok(Redirect::Code(code.as_str().into())),
            (None, Some(error)) if !error.is_empty() => Ok(Redirect::Error(self.denied(&error))),
            (Some(_), Some(_)) => Err(CallbackFault::CodeAndError.into()),
            _ => Err(CallbackFault::NoCode.into()),
        }
    }

    fn denied(&self, error: &str) -> Error {
        let description = values(self.query, "error_description").next();
        let description = description.as_ref().map(|text| text.as_str());
        LoginError::denied(error, description, &[self.state.expose_secret()]).into()
    }
}

/// Whether these are the parameters of a request or a response of the implicit grant.
fn is_implicit_grant(parameters: &str) -> bool {
    let asks_for_token = |kinds: Zeroizing<String>| kinds.split(' ').any(|kind| kind == "token");
    values(parameters, "response_type").any(asks_for_token)
        || values(parameters, "access_token").next().is_some()
}

/// The value of a parameter that may occur only once.
fn single(query: &str, name: &str) -> Result<Option<Zeroizing<String>>, CallbackFault> {
    let mut values = values(query, name);
    let value = values.next();
    match values.next() {
        Some(_) => Err(CallbackFault::Doubled),
        None => Ok(value),
    }
}

fn values(query: &str, name: &str) -> impl Iterator<Item = Zeroizing<String>> {
    form_urlencoded::parse(query.as_bytes())
        .filter(move |(given, _)| given == name)
        .map(|(_, value)| Zeroizing::new(value.into_owned()))
}

/// The path of a URL that may lack its scheme, or everything before its path.
fn path_of(place: &str) -> Result<String, CallbackFault> {
    let url = if place.starts_with('/') {
        Url::parse(&format!("http://localhost{place}"))
    } else if place.contains("://") {
        Url::parse(place)
    } else {
        Url::parse(&format!("http://{place}"))
    };
    let url = url.map_err(|_| CallbackFault::NoUrl)?;
    Ok(url.path().to_owned())
}

/// The listener reads as much of a request.
const MAX_CALLBACK_BYTES: usize = 16 * 1024;

/// A callback with the whitespace of lines that were wrapped and indented.
const MAX_PASTED_BYTES: usize = 4 * MAX_CALLBACK_BYTES;

#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
