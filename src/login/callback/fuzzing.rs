//! What must hold for whatever is pasted, for the fuzzer and for its corpus.

use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;

use super::{MOST_BYTES, Url, code_of};
use crate::error::{ErrorKind, LoginErrorKind};

/// Reads what was pasted as the login does, and checks what comes of it.
///
/// # Panics
///
/// Where that is wrong: it is what the fuzzer looks for.
pub(crate) fn pasted(pasted: &[u8]) {
    let Ok(text) = str::from_utf8(pasted) else {
        return;
    };
    let Ok(redirect_uri) = Url::parse("http://localhost:1234/cb") else {
        return;
    };
    let plain = plainly(text);
    match code_of(text, &redirect_uri, STATE) {
        Ok(code) => assert_eq!(plain, Some(("code", code.expose_secret().to_owned()))),
        Err(error) => assert!(
            match error.kind() {
                ErrorKind::Login(login) => match login.kind() {
                    LoginErrorKind::Denied { .. } => matches!(&plain, Some(("error", _))),
                    LoginErrorKind::Callback | LoginErrorKind::ImplicitGrant => true,
                    _ => false,
                },
                _ => false,
            },
            "{error:?}, {plain:?}"
        ),
    }
}

/// The one answer to this login, read in another way: nothing of where it was brought.
fn plainly(text: &str) -> Option<(&'static str, String)> {
    if text.len() > MOST_BYTES {
        return None;
    }
    let text = text.trim().split('#').next()?;
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs: Vec<_> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let all = |wanted: &str| {
        let found = pairs.iter().filter(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let (codes, errors) = (all("code"), all("error"));
    let answer = match (&codes[..], &errors[..]) {
        ([code], []) => ("code", code.clone()),
        ([], [error]) => ("error", error.clone()),
        _ => return None,
    };
    let is_answer = all("state") == [STATE] && all("access_token").is_empty();
    (is_answer && !answer.1.is_empty()).then_some(answer)
}

const STATE: &str = "s1";
