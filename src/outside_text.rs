//! Text that users type, paste and mount: files, byte order marks, and what is around a value by mistake.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use zeroize::Zeroizing;

/// Reads a regular file that may hold a secret.
///
/// # Errors
/// `too_long` where the file is longer than `max` bytes.
pub(crate) fn read_file(
    path: &Path,
    max: usize,
    too_long: &'static str,
) -> io::Result<Zeroizing<Vec<u8>>> {
    // Opening a pipe would block until another process writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    // One byte above the limit shows that the file is longer. A buffer that grew would leave copies.
    let mut bytes = Zeroizing::new(Vec::with_capacity(max + 1));
    fs::File::open(path)?
        .take(max as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, too_long));
    }
    Ok(bytes)
}

/// Returns the bytes without a UTF-8 byte order mark at their start (RFC 8259 8.1).
pub(crate) fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// Whether the bytes begin as UTF-16 does, with its byte order mark.
pub(crate) fn is_utf_16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
}

/// Returns the text of a file's bytes.
///
/// # Errors
/// Why it is none, to follow "the file".
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, &'static str> {
    if is_utf_16(bytes) {
        return Err("is UTF-16, as > writes it in Windows PowerShell; write it as UTF-8");
    }
    str::from_utf8(without_byte_order_mark(bytes)).map_err(|_| "is not UTF-8")
}

/// Returns an id, a secret, a token or a region's name without a byte order mark and without the one
/// line break that editors and `echo` put at its end.
///
/// # Errors
/// What is around the value or in it by mistake, and the cure, to follow the value's name. It
/// contains nothing of the value.
pub(crate) fn clean(text: &str) -> Result<&str, &'static str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match fault(text) {
        Some(fault) => Err(fault),
        None => Ok(text),
    }
}

fn fault(text: &str) -> Option<&'static str> {
    let is_line_break = |c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    if text.contains(is_line_break) {
        let is_at_end = text.trim_end_matches(is_line_break).find(is_line_break);
        return Some(if is_at_end.is_none() && !text.starts_with(is_line_break) {
            "ends with more than one line break; leave at most one"
        } else {
            "contains a line break; pass one line"
        });
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Some("starts or ends with a space or a tab; remove it");
    }
    if is_assignment(text) {
        return Some("is a whole line such as `NAME=value`; pass the value alone");
    }
    if is_quoted(text) {
        return Some(
            "begins or ends with a quotation mark, which is part of the value here (docker \
             --env-file keeps them); remove it",
        );
    }
    if is_scheme(text, "bearer") || is_scheme(text, "basic") || is_scheme(text, "authorization:") {
        return Some("begins with a part of a header, such as `Bearer `; pass the value alone");
    }
    if text.starts_with('{') && text.ends_with('}') {
        return Some("is JSON, or a placeholder that was not replaced; pass the value alone");
    }
    if ["${", "$("].iter().any(|start| text.starts_with(start)) {
        return Some("is a placeholder that was not replaced; pass the value");
    }
    if text.ends_with("\\n") || text.ends_with("\\r") {
        return Some("ends with a backslash and a letter in place of a line break; remove them");
    }
    if text.contains(is_invisible) {
        return Some(
            "contains an invisible character or an unusual space, as text that was copied from a \
             page does; type it, or copy it from its source",
        );
    }
    text.contains(char::is_control)
        .then_some("contains a control character; remove it")
}

/// Returns the name of a character that a value must not contain.
pub(crate) fn name_of(c: char) -> &'static str {
    match c {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => "a line break",
        ' ' => "a space",
        '\t' => "a tab",
        '\\' => "a backslash",
        c if c.is_control() => "a control character",
        c if is_invisible(c) => "an invisible character or an unusual space",
        _ => "a character other than visible ASCII",
    }
}

/// Whether the text begins or ends with a quotation mark.
fn is_quoted(text: &str) -> bool {
    const MARKS: &str = "\"'`\u{b4}«»‘’‚‛“”„‟‹›「」＂＇";
    text.starts_with(|c| MARKS.contains(c)) || text.ends_with(|c| MARKS.contains(c))
}

/// Whether the text begins with this word, and a space or the end follows.
fn is_scheme(text: &str, word: &str) -> bool {
    text.split_at_checked(word.len())
        .is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(word)
                && (rest.is_empty() || rest.starts_with(char::is_whitespace))
        })
}

/// Whether the text is a line of a file of settings. Base64 may end with `=`, but continues after
/// none.
fn is_assignment(text: &str) -> bool {
    let keywords = ["export ", "set ", "setx ", "$env:", "$Env:"];
    let line = keywords.iter().find_map(|word| text.strip_prefix(word));
    let has_keyword = line.is_some();
    let line = line.unwrap_or(text);
    let Some((name, value)) = line.split_once('=').or_else(|| line.split_once(": ")) else {
        return false;
    };
    let name = name.trim_end();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // A secret may contain such a name by chance, but hardly one that is a setting's.
    let lower = name.to_ascii_lowercase();
    let known = ["secret", "token", "region", "password", "client", "genesys"];
    let is_known = known.iter().any(|known| lower.contains(known));
    let is_upper = name.contains('_') && name == name.to_ascii_uppercase();
    let continues = !value.trim_start_matches('=').is_empty();
    is_name && continues && (has_keyword || is_known || is_upper)
}

/// Whether this is a space other than U+0020, or shows nothing.
fn is_invisible(c: char) -> bool {
    (c.is_whitespace() && c != ' ' && !c.is_control())
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_and_one_line_break_are_dropped() {
        for text in [
            "value",
            "value\n",
            "value\r\n",
            "\u{feff}value",
            "\u{feff}value\r\n",
        ] {
            assert_eq!(clean(text), Ok("value"), "{text:?}");
        }
        for unchanged in [
            "",
            "any: other sêcret",
            "a=b",
            "YWJj_-==",
            "YWJ_=",
            "a\\nb",
            "x:y",
            "a_b:c",
            "bearerx",
            "aB_3=cD",
            "x9_kQ=8f_=e",
            "my-secret=b",
            "9_secret=b",
            "{a",
            "a}",
            "a\"b'c",
        ] {
            assert_eq!(clean(unchanged), Ok(unchanged), "{unchanged:?}");
        }
    }

    /// A part of the error, and texts that lead to it.
    const FAULTS: &[(&str, &[&str])] = &[
        (
            "more than one line break",
            &["a\n\n", "a\r\n\r\n", "a\n\r\n"],
        ),
        (
            "contains a line break",
            &["a\nb", "\na", "a\rb\n", "a\u{2028}b", "a\u{85}b"],
        ),
        (
            "starts or ends with a space",
            &[" a", "a ", "\ta", "a\t\n", "\u{a0}a", "a\u{3000}", " "],
        ),
        (
            "quotation mark",
            &[
                "\"a\"", "'a'", "“a”", "„a“", "‘a’", "«a»", "`a`", "\"a", "a\"", "\"\"",
            ],
        ),
        (
            "header",
            &[
                "Bearer a",
                "bearer a",
                "BASIC a",
                "Bearer",
                "Authorization: Bearer a",
            ],
        ),
        ("JSON", &["{\"secret\":\"a\"}", "{{ secret }}"]),
        ("placeholder", &["${SECRET}", "$(cat secret)"]),
        (
            "a whole line",
            &[
                "A_SECRET=a",
                "_SECRET=a",
                "GC_KEY=a",
                "oauth_client_id=a",
                "export X=a",
                "export X='a'",
                "secret=a",
                "set X=a",
            ],
        ),
        ("a whole line", &["client_secret: a", "$env:X = a"]),
        ("backslash", &["a\\n", "a\\r\\n"]),
        (
            "invisible",
            &[
                "a\u{200b}b",
                "a\u{a0}b",
                "\u{200b}a",
                "a\u{ad}b",
                "\u{202e}a",
                "a\u{2003}b",
            ],
        ),
        ("control character", &["a\0b", "a\tb", "a\u{1b}b"]),
    ];

    #[test]
    fn what_surrounds_a_value_is_an_error_with_its_cause() {
        for (cause, texts) in FAULTS {
            for text in *texts {
                let error = clean(text).expect_err(text);
                assert!(error.contains(cause), "{text:?}: {error}");
            }
        }
    }

    #[test]
    fn character_has_the_name_that_its_reader_knows() {
        for (characters, name) in [
            ("\n\r\u{85}\u{2028}\u{2029}", "a line break"),
            (" ", "a space"),
            ("\t", "a tab"),
            ("\\", "a backslash"),
            ("\0\u{1b}\u{7f}\u{9b}", "a control character"),
            (
                "\u{200b}\u{a0}\u{feff}",
                "an invisible character or an unusual space",
            ),
            ("é日", "a character other than visible ASCII"),
        ] {
            for c in characters.chars() {
                assert_eq!(name_of(c), name, "{c:?}");
            }
        }
    }

    #[test]
    fn utf_16_is_named() {
        assert_eq!(decode(b"\xef\xbb\xbfa"), Ok("a"));
        for bytes in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a"] {
            assert!(decode(bytes).unwrap_err().contains("UTF-16"));
        }
        assert_eq!(decode(b"a\xff"), Err("is not UTF-8"));
    }
}
