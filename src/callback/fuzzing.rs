//! What must hold for every pasted text: for the fuzzer, and for the tests of its corpus.

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{MAX_CALLBACK_BYTES, Redirect, parse};
use crate::error::{Error, ErrorKind, LoginErrorKind};

/// Parses a pasted text as the login does, and compares the result with a second parser's.
///
/// # Panics
/// Where the result is wrong.
pub(crate) fn pasted(pasted: &[u8]) {
    let Ok(text) = str::from_utf8(pasted) else {
        return;
    };
    let Ok(redirect_uri) = Url::parse("http://localhost:1234/cb") else {
        return;
    };
    let state = SecretString::from(STATE);
    let expected = expected_redirect(text);
    match parse(text, &redirect_uri, &state) {
        Ok(Redirect::Code(code)) => {
            assert_eq!(expected, Some(("code", code.expose_secret().to_owned())));
        }
        Ok(Redirect::Error(error)) => assert!(
            matches!(kind_of(&error), Some(LoginErrorKind::Denied { .. }))
                && matches!(&expected, Some(("error", _))),
            "{error:?}, {expected:?}"
        ),
        Err(error) => assert!(
            matches!(
                kind_of(&error),
                Some(LoginErrorKind::Callback | LoginErrorKind::ImplicitGrant)
            ),
            "{error:?}, {expected:?}"
        ),
    }
}

fn kind_of(error: &Error) -> Option<&LoginErrorKind> {
    match error.kind() {
        ErrorKind::Login(login) => Some(login.kind()),
        _ => None,
    }
}

/// The code or the error in a text, whatever precedes its query, read without a URL parser.
fn expected_redirect(text: &str) -> Option<(&'static str, String)> {
    if text.len() > MAX_CALLBACK_BYTES {
        return None;
    }
    let text = text.trim().split('#').next()?;
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    redirect_in(query, STATE)
}

/// The code or the error in a query with this `state`, with the parameter's name.
pub(crate) fn redirect_in(query: &str, state: &str) -> Option<(&'static str, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs: Vec<_> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let values = |name: &str| {
        let found = pairs.iter().filter(|(given, _)| given == name);
        found.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let redirect = match (&values("code")[..], &values("error")[..]) {
        ([code], []) => ("code", code.clone()),
        ([], [error]) => ("error", error.clone()),
        _ => return None,
    };
    let is_redirect = values("state") == [state] && values("access_token").is_empty();
    (is_redirect && !redirect.1.is_empty()).then_some(redirect)
}

const STATE: &str = "s1";
