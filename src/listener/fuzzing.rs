//! What must hold for every request: for the fuzzer, and for the tests of its corpus.

use std::mem::discriminant;

use secrecy::ExposeSecret;

use super::{
    bind::{Authority, LoopbackHost},
    head::{Head, MAX_HEAD_BYTES},
    matcher::{Expected, Match, match_request},
};
use crate::callback::{Redirect, fuzzing::redirect_in};

/// Matches a request as the listener does, and compares the result with a second parser's.
///
/// # Panics
/// Where the result is wrong.
pub(crate) fn callback(sent: &[u8]) {
    let expected = Expected {
        path: PATH.to_owned(),
        state: STATE.to_owned().into(),
    };
    let authority = Authority {
        host: LoopbackHost::Localhost,
        port: 1234,
    };
    let match_request = |head: &Head| match_request(head.kept(), authority, &expected);
    let mut head = Head::new();
    head.push(sent);
    let result = match_request(&head);
    match &result {
        Match::Callback(Redirect::Code(code)) => {
            let code = code.expose_secret().to_owned();
            assert_eq!(expected_redirect(sent), Some(("code", code)));
        }
        Match::Callback(Redirect::Error(_)) => {
            assert!(matches!(expected_redirect(sent), Some(("error", _))));
        }
        Match::Incomplete => assert!(
            head.kept().len() < MAX_HEAD_BYTES,
            "waits for more than it keeps"
        ),
        Match::Rejected(_) => {}
    }
    // The result does not depend on how the request is split.
    let first = sent.first().copied().unwrap_or_default();
    let (early, late) = sent.split_at(sent.len() * usize::from(first) / 256);
    let mut split = Head::new();
    split.push(early);
    let early = match_request(&split);
    if !matches!(early, Match::Incomplete) {
        assert_eq!(
            discriminant(&early),
            discriminant(&result),
            "{early:?}, {result:?}"
        );
    }
    split.push(late);
    assert_eq!(split.kept(), head.kept());
}

/// The code or the error of a callback, read line by line.
fn expected_redirect(head: &[u8]) -> Option<(&'static str, String)> {
    let lines = head.split(|&byte| byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut lines = lines.skip_while(|line| line.is_empty());
    let first = str::from_utf8(lines.next()?).ok()?;
    let target = first.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
    let scheme = target.get(..7).unwrap_or_default();
    let is_absolute = scheme.eq_ignore_ascii_case("http://");
    let target = if is_absolute {
        let (host, rest) = target.get(7..)?.split_at_checked(HOST.len())?;
        assert!(host.eq_ignore_ascii_case(HOST));
        rest
    } else {
        target
    };
    let query = target.strip_prefix(PATH)?.strip_prefix('?')?;
    let mut hosts = 0;
    loop {
        // A head ends with an empty line.
        let line = String::from_utf8_lossy(lines.next()?).to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(host) = line.strip_prefix("host:") {
            hosts += 1;
            assert!(is_absolute || host.trim_matches([' ', '\t']) == HOST);
        }
    }
    redirect_in(query, STATE).filter(|_| hosts == 1)
}

const HOST: &str = "localhost:1234";
const PATH: &str = "/cb";
const STATE: &str = "s1";
