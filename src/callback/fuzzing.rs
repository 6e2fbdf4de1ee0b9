//! What must hold for every pasted text: for the fuzzer, and for the tests of its corpus.

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{MAX_PASTED_BYTES, Redirect, parse};
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
    let expected = expected_redirects(text);
    match parse(text, &redirect_uri, &state) {
        Ok(Redirect::Code(code)) => {
            let code = ("code", code.expose_secret().to_owned());
            assert!(expected.contains(&code), "{code:?}, {expected:?}");
        }
        Ok(Redirect::Error(error)) => assert!(
            matches!(kind_of(&error), Some(LoginErrorKind::Denied { .. }))
                && expected.iter().any(|(name, _)| *name == "error"),
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

/// The codes and errors that a text may mean, whatever precedes its query, read without a URL parser:
/// with the characters that are in a URL, and with ever fewer at its end and its start.
fn expected_redirects(text: &str) -> Vec<(&'static str, String)> {
    if text.len() > MAX_PASTED_BYTES {
        return Vec::new();
    }
    let text = text.replace("\u{1b}[200~", "").replace("\u{1b}[201~", "");
    let ampersands = ["&amp;", "&#38;", "&#x26;", "\\u0026"];
    let unescaped = ampersands
        .iter()
        .fold(text.clone(), |text, escape| text.replace(escape, "&"));
    let kept: [fn(char) -> bool; 4] = [
        |c| !c.is_whitespace(),
        // Elsewhere than at the ends of a line, these are a part of a code.
        |c| !c.is_whitespace() && c.is_ascii(),
        |c| !c.is_whitespace() && c.is_ascii() && !"<>\"|".contains(c),
        |c| !c.is_whitespace() && c.is_ascii() && !"<>\"|\\".contains(c),
    ];
    let texts = [&text, &unescaped].into_iter().flat_map(|text| {
        kept.map(|keep| -> String { text.chars().filter(|&c| keep(c)).collect() })
    });
    let is_delimiter = |c: char| !c.is_ascii_alphanumeric();
    let mut found = Vec::new();
    for text in texts {
        let text = text.split('#').next().unwrap_or_default();
        let mut ends = text;
        loop {
            let start = ends.trim_start_matches(is_delimiter);
            let after_prefix = ends.split_once(':').map_or("", |(_, rest)| rest);
            let in_link = ends.rsplit_once("](").map_or("", |(_, rest)| rest);
            let last = ends.rsplit(['(', ':']).next().unwrap_or_default();
            for address in [ends, start, after_prefix, in_link, last] {
                let query = address.split_once('?').map_or(address, |(_, query)| query);
                found.extend(redirect_in(query, STATE));
            }
            match ends.strip_suffix(is_delimiter) {
                Some(shorter) => ends = shorter,
                None => break,
            }
        }
    }
    found
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
