//! A server's words, made safe to show.

use std::fmt::Write;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// The server's own words: at most 512 characters, without `secrets`, with control and
/// bidirectional characters shown as `\u{…}`.
pub(crate) fn words(text: &str, secrets: &[&str]) -> String {
    safe(text, secrets, MOST_CHARACTERS, "[redacted]")
}

/// The same of a text that is to be taken apart, and may be longer: a secret is not known by its
/// parts.
pub(crate) fn long_words(text: &str, secrets: &[&str]) -> String {
    safe(text, secrets, MOST_CHARACTERS_OF_A_LIST, "redacted")
}

fn safe(text: &str, secrets: &[&str], most: usize, mark: &str) -> String {
    let text = with_short_gaps(text);
    // A longer one cannot be in it, and its forms take many times its room.
    let secrets = secrets.iter().filter(|secret| secret.len() <= text.len());
    let forms: Vec<String> = secrets.flat_map(|secret| forms(secret)).collect();
    let mut shown = String::new();
    let mut rest = text.as_str();
    for _ in 0..most {
        let Some(c) = rest.chars().next() else { break };
        let secret = forms.iter().filter_map(|form| end_of(form, rest)).max();
        rest = rest.get(secret.unwrap_or(c.len_utf8())..).unwrap_or("");
        if secret.is_some() {
            shown.push_str(mark);
        } else if is_invisible(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Cuts runs of what nobody sees, so that a search past them has an end.
fn with_short_gaps(text: &str) -> String {
    let mut hidden = 0;
    let mut kept = text.to_owned();
    kept.retain(|c| {
        hidden = if is_invisible(c) { hidden + 1 } else { 0 };
        hidden <= LONGEST_GAP
    });
    kept
}

/// How a secret may come back: as it is, in hex, as a list of bytes, in base64 at any offset.
fn forms(secret: &str) -> Vec<String> {
    if secret.len() < SHORTEST_SECRET {
        return Vec::new();
    }
    let list: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    let mut forms = vec![
        secret.to_owned(),
        hex("", secret),
        hex("", secret).to_ascii_uppercase(),
        list.join(", "),
        list.join(","),
    ];
    // Characters at both ends depend on the neighbours too.
    for (before, from) in [("", 0), ("\0", 2), ("\0\0", 3)] {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode([before, secret].concat());
            forms.extend(encoded.get(from..encoded.len() - 1).map(str::to_owned));
        }
    }
    forms
}

/// Where `form` ends if `text` begins with it, however each of its characters is spelled.
fn end_of(form: &str, text: &str) -> Option<usize> {
    let mut ends = vec![0];
    for c in form.chars() {
        let after = |end: usize| Some((end, text.get(end..)?));
        let next = ends.into_iter().filter_map(after);
        ends = next
            .flat_map(|(end, after)| spellings(c, after).map(move |length| end + length))
            .collect();
        ends.dedup();
        if ends.is_empty() {
            return None;
        }
    }
    ends.into_iter().max()
}

/// The lengths that `c` may have at the start of `text`, behind characters that nobody sees: as it
/// is, or escaped as in a URL, a form, JSON, or a program.
fn spellings(c: char, text: &str) -> impl Iterator<Item = usize> + use<> {
    let seen = text.trim_start_matches(|hidden| hidden != c && is_invisible(hidden));
    let hidden = text.len() - seen.len();
    let plain = seen.starts_with(c) || (c == ' ' && seen.starts_with('+'));
    let escaped = escapes(c, seen).into_iter().filter(|escape| {
        let start = seen.get(..escape.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(escape))
    });
    let lengths: Vec<usize> = escaped.map(|escape| hidden + escape.len()).collect();
    let plain = plain.then_some(hidden + c.len_utf8());
    plain.into_iter().chain(lengths)
}

/// How `c` may be escaped where `text` begins.
fn escapes(c: char, text: &str) -> Vec<String> {
    let character = c.to_string();
    match text.as_bytes() {
        [b'%', ..] => vec![hex("%", &character)],
        [b'\\', ..] => {
            let units: Vec<u16> = character.encode_utf16().collect();
            let units = units.iter().map(|unit| format!("\\u{unit:04x}"));
            let mut escapes = vec![
                hex("\\x", &character),
                units.collect(),
                c.escape_unicode().to_string(),
            ];
            if matches!(c, '"' | '\'' | '/' | '\\') {
                escapes.push(format!("\\{c}"));
            }
            escapes
        }
        _ => Vec::new(),
    }
}

/// Two digits for each byte, `before` each.
fn hex(before: &str, text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        // Writing to a string does not fail.
        let _ = write!(digits, "{before}{byte:02x}");
        digits
    })
}

/// Control characters (C0, C1), line and paragraph separators, and what changes the direction or
/// the width of text without being seen.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

const MOST_CHARACTERS: usize = 512;

const MOST_CHARACTERS_OF_A_LIST: usize = 8 * 1024;

/// As many characters that nobody sees are kept in a row: more than all there are of one class.
const LONGEST_GAP: usize = 128;

/// Anything shorter would tear innocent words apart.
const SHORTEST_SECRET: usize = 6;

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use url::form_urlencoded;

    use super::*;

    const SECRET: &str = "s3cret/with+odd \"chars\" %25 é";
    const SHORT: &str = "short";

    #[test]
    fn endless_text_that_nobody_sees_is_cut() {
        let endless = "\u{200b}".repeat(100_000);
        let shown = words(&format!("a{endless}b"), &[SECRET]);
        assert_eq!(shown, format!("a{}b", "\\u{200b}".repeat(LONGEST_GAP)));
        let split = SECRET.replace('/', &format!("/{endless}"));
        assert_eq!(words(&split, &[SECRET]), "[redacted]");
    }

    #[test]
    fn secrets_are_taken_out_in_every_form() {
        let basic = STANDARD_NO_PAD.encode(format!("client:{SECRET}"));
        assert!(basic.rfind('z') > Some(10));
        let percent = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
        let some = SECRET.replace('/', "%2f").replace('"', "\\\"");
        let bytes = format!("{:?}", SECRET.as_bytes());
        for echoed in [
            SECRET,
            &basic,
            &utf8_percent_encode(&basic, NON_ALPHANUMERIC).to_string(),
            &URL_SAFE_NO_PAD.encode(format!("an-id:{SECRET}?")),
            &basic.replace('z', "z\r\n"),
            &percent,
            &percent.to_ascii_lowercase(),
            &some,
            &form_urlencoded::byte_serialize(SECRET.as_bytes()).collect::<String>(),
            &serde_json::to_string(SECRET).unwrap(),
            &SECRET
                .replace('/', "\\/")
                .replace('"', "\\u0022")
                .replace('é', "\\u00E9"),
            &format!("{SECRET:?}"),
            &SECRET.escape_unicode().to_string(),
            &SECRET.as_bytes().escape_ascii().to_string(),
            &hex("", SECRET),
            &hex("", SECRET).to_ascii_uppercase(),
            &bytes,
            &bytes.replace(' ', ""),
            &SECRET.replace('t', "t\u{200b}").replace('+', "\u{1b}+"),
        ] {
            let shown = words(&format!("You sent <{echoed}>!"), &[SECRET]);
            let around = shown.split_once("[redacted]").expect(echoed);
            assert!(
                around.0.len() < 26 && around.1.len() < 6,
                "{echoed}: {shown}"
            );
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for said in ["s3cret/with", "%", "\\u", "100 % of \\x", SHORT, ""] {
            assert_eq!(words(said, &[SECRET, SHORT, ""]), said);
        }
        assert_eq!(
            words(&format!("{SECRET}{SECRET}!"), &[SECRET]),
            "[redacted][redacted]!"
        );
    }

    #[test]
    fn a_secret_at_the_cut_leaves_no_part() {
        let shown = words(&format!("{}{SECRET}", "x".repeat(505)), &[SECRET]);
        assert!(!shown.contains("s3c"), "{shown}");
    }

    #[test]
    fn control_and_bidi_characters_are_shown_as_numbers() {
        assert_eq!(
            words("a\u{1b}[31m\u{202e}b\u{2028}\r\n\u{9b}", &[]),
            "a\\u{1b}[31m\\u{202e}b\\u{2028}\\u{d}\\u{a}\\u{9b}"
        );
        assert_eq!(words("Grüße, 日本", &[]), "Grüße, 日本");
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(words(&"é".repeat(9_000), &[]), "é".repeat(512));
    }
}
