//! A server's words, made safe to show.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The server's own words: at most 512 characters, without `secrets`, with control and
/// bidirectional characters shown as `\u{…}`.
pub(crate) fn words(text: &str, secrets: &[&str]) -> String {
    let mut shown = text.to_owned();
    let plain: String = text.chars().filter(|&c| !is_invisible(c)).collect();
    let forms: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    if forms.iter().any(|form| plain.contains(form.as_str())) {
        shown = plain;
        for form in &forms {
            shown = shown.replace(form.as_str(), "[redacted]");
        }
    }
    let mut escaped = String::new();
    for c in shown.chars().take(MOST_CHARACTERS) {
        if is_invisible(c) {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// How a secret may come back: as it is, percent-encoded, or in base64 at any offset.
fn forms(secret: &str) -> Vec<String> {
    if secret.len() < SHORTEST_SECRET {
        return Vec::new();
    }
    let mut forms = vec![
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
    ];
    // Characters at both ends depend on the neighbours too.
    for (before, from) in [("", 0), ("\0", 2), ("\0\0", 3)] {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode([before, secret].concat());
            forms.extend(encoded.get(from..encoded.len() - 1).map(str::to_owned));
        }
    }
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
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

/// Anything shorter would tear innocent words apart.
const SHORTEST_SECRET: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cret/with+odd chars";

    #[test]
    fn secrets_are_taken_out_in_every_form() {
        let basic = STANDARD_NO_PAD.encode(format!("client:{SECRET}"));
        let shifted = URL_SAFE_NO_PAD.encode(format!("an-id:{SECRET}?"));
        let percent = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
        let split = SECRET.replace('t', "t\u{200b}").replace('+', "\u{1b}+");
        for echoed in [SECRET, &basic, &shifted, &percent, &split] {
            let shown = words(&format!("You sent <{echoed}>!"), &[SECRET]);
            assert!(shown.contains("[redacted]"), "{echoed}: {shown}");
            for form in forms(SECRET) {
                assert!(!shown.contains(&form), "{echoed}: {shown}");
            }
        }
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
