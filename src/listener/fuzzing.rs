//! What must hold for whatever is sent, for the fuzzer and for its corpus.

use std::mem::discriminant;

use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;

use super::{Authority, Expected, LONGEST_HEAD, LoopbackHost, Verdict, judge};

/// Judges what was sent as the listener does, and checks the verdict.
///
/// # Panics
///
/// Where the verdict is wrong: that is what the fuzzer looks for.
pub(crate) fn callback(sent: &[u8]) {
    let head = sent.get(..LONGEST_HEAD).unwrap_or(sent);
    let expected = Expected {
        path: PATH.to_owned(),
        state: STATE.to_owned().into(),
    };
    let authority = Authority {
        host: LoopbackHost::Localhost,
        port: 1234,
    };
    let judge = |head| judge(head, authority, &expected);
    let verdict = judge(head);
    match &verdict {
        Verdict::Callback(query) => assert_eq!(plainly(head), Some(query.expose_secret())),
        Verdict::Incomplete => assert!(head.len() < LONGEST_HEAD, "waits for more than it reads"),
        Verdict::TurnedAway(_) => {}
    }
    // It does not matter in which pieces a request comes.
    let first = sent.first().copied().unwrap_or_default();
    let early = judge(
        head.get(..head.len() * usize::from(first) / 256)
            .unwrap_or(head),
    );
    if !matches!(early, Verdict::Incomplete) {
        assert_eq!(
            discriminant(&early),
            discriminant(&verdict),
            "{early:?}, {verdict:?}"
        );
    }
}

/// The query of a right request, read in another way: line by line.
fn plainly(head: &[u8]) -> Option<&str> {
    let lines = head.split(|&byte| byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut lines = lines.skip_while(|line| line.is_empty());
    let first = str::from_utf8(lines.next()?).ok()?;
    let target = first.strip_prefix("GET ")?.strip_suffix(" HTTP/1.1")?;
    let query = target.strip_prefix(PATH)?.strip_prefix('?')?;
    let mut hosts = 0;
    loop {
        // Without an empty line the head has not ended.
        let line = String::from_utf8_lossy(lines.next()?).to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(host) = line.strip_prefix("host:") {
            hosts += 1;
            assert_eq!(host.trim_matches([' ', '\t']), HOST);
        }
    }
    let decoded = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let pairs: Vec<_> = pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let values = |wanted| {
        pairs
            .iter()
            .filter(move |(name, _)| name == wanted)
            .map(|(_, value)| value)
    };
    let states: Vec<_> = values("state").collect();
    let answers = values("code").chain(values("error")).count();
    (hosts == 1 && states == [STATE] && answers == 1).then_some(query)
}

const HOST: &str = "localhost:1234";
const PATH: &str = "/cb";
const STATE: &str = "s1";
